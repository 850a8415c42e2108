"""What should the user change? Each cause's fix as a sentence and as code in the user's own names and numbers."""

import re
from collections.abc import Callable
from dataclasses import replace

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.fixes import in_torch
from tb_lossdiag.diagnosis.fixes.balance import (
    balance_terms,
    bound_the_loss,
    keep_the_code,
    push_apart,
    spread_embeddings,
)
from tb_lossdiag.diagnosis.fixes.data import (
    check_inputs,
    check_labels,
    check_pairing,
    drop_nonfinite,
    give_signs,
    move_on,
    normalise,
    number_from_one,
    scale_targets,
    shorten_labels,
    shuffle,
    weigh_classes,
    weigh_foreground,
)
from tb_lossdiag.diagnosis.fixes.fit import (
    align_evaluation,
    leave_out_the_pull,
    less_dropout,
    lighten_activity_penalty,
    lighten_bonus,
    lighten_decay,
    lighten_penalty,
    regularise,
    widen,
)
from tb_lossdiag.diagnosis.fixes.optimizer import (
    apply_updates,
    decay_rate,
    loosen_clipping,
    lower_learning_rate,
    raise_learning_rate,
    raise_precision,
    rebatch,
    set_learning_rate,
    shrink_epsilon,
    stop_later,
    switch_optimizer,
    train_longer,
    watch_the_right_way,
)
from tb_lossdiag.diagnosis.fixes.output import (
    ask_for_the_other_label,
    average,
    free_the_output,
    logits,
    measure,
    one_of_many,
    pair,
    swap_back,
)
from tb_lossdiag.diagnosis.fixes.signal import (
    clip,
    desaturate,
    keep_finite,
    leak,
    remember,
    shorten_gradient_path,
    smooth_activation,
    swap_activation,
)
from tb_lossdiag.diagnosis.fixes.weights import (
    initialise,
    narrow_outputs,
    reconnect,
    unfreeze,
)
from tb_lossdiag.diagnosis.fixes.wiring import (
    align_modes,
    answer_once,
    clear_gradients,
    give_optimizer_its_weights,
    hold_the_rate,
    keep_examples_apart,
    match_shapes,
    prepare_as_pretrained,
    put_batch_first,
    register_weights,
    take_steps,
    train_in_training_mode,
)
from tb_lossdiag.diagnosis.framework import Framework, framework_of
from tb_lossdiag.diagnosis.report import Fix


def none(f: Findings) -> Fix:
    return Fix("")


# What only one framework's user has at hand.
OF_A_FRAMEWORK = re.compile(r"\b(keras|tf|torch|model|optimizer|loss_fn|dataset)\b")


def written(fix: Callable[[Findings], Fix], f: Findings) -> Fix:
    """The fix in the terms of the framework that trained the run; of an unknown one words, and code that needs none."""
    framework, made = framework_of(f.run), fix(f)
    if framework is Framework.TORCH_LOOP:
        return replace(made, code=in_torch.code(fix, f, made.code))
    if framework is Framework.UNKNOWN and OF_A_FRAMEWORK.search(made.code):
        return replace(made, code="")
    return made


__all__ = [
    "align_evaluation",
    "align_modes",
    "answer_once",
    "apply_updates",
    "ask_for_the_other_label",
    "average",
    "balance_terms",
    "bound_the_loss",
    "check_inputs",
    "check_labels",
    "check_pairing",
    "clear_gradients",
    "clip",
    "decay_rate",
    "desaturate",
    "drop_nonfinite",
    "free_the_output",
    "give_optimizer_its_weights",
    "give_signs",
    "hold_the_rate",
    "initialise",
    "keep_examples_apart",
    "keep_finite",
    "keep_the_code",
    "leak",
    "leave_out_the_pull",
    "less_dropout",
    "lighten_activity_penalty",
    "lighten_bonus",
    "lighten_decay",
    "lighten_penalty",
    "logits",
    "loosen_clipping",
    "lower_learning_rate",
    "match_shapes",
    "measure",
    "move_on",
    "narrow_outputs",
    "none",
    "normalise",
    "number_from_one",
    "one_of_many",
    "pair",
    "prepare_as_pretrained",
    "push_apart",
    "put_batch_first",
    "raise_learning_rate",
    "raise_precision",
    "rebatch",
    "reconnect",
    "register_weights",
    "regularise",
    "remember",
    "scale_targets",
    "set_learning_rate",
    "shorten_gradient_path",
    "shorten_labels",
    "shrink_epsilon",
    "shuffle",
    "smooth_activation",
    "spread_embeddings",
    "stop_later",
    "swap_activation",
    "swap_back",
    "switch_optimizer",
    "take_steps",
    "train_in_training_mode",
    "train_longer",
    "unfreeze",
    "watch_the_right_way",
    "weigh_classes",
    "weigh_foreground",
    "widen",
    "written",
]

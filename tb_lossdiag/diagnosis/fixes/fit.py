"""What should the user change about the model's size? Width, dropout, penalties and normalisation statistics."""

from collections.abc import Mapping
from typing import Any

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, framework_of
from tb_lossdiag.diagnosis.layer_kinds import RECURRENT
from tb_lossdiag.diagnosis.output_layer import output_layer
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import hidden_layers
from tb_lossdiag.diagnosis.snippets import compile_line, each_layer, is_reached, joined, layer, mended_line, rounded
from tb_lossdiag.diagnosis.stopping import early_stopping
from tb_lossdiag.diagnosis.surgery import can_be_rebuilt, in_front_of_output, stopped_early, with_changed_layers
from tb_lossdiag.run import LayerCard, Run

# A penalty of this share of the loss still shapes the weights and no longer decides the direction.
WANTED_SHARE = 0.05
# Of a decay that took the weights to nothing; with a hundredth it takes a hundred times as long.
WEAKER_DECAY = 0.01
# A layer this wide passes on more than one or two numbers.
WIDE = 32
# What a layer is told for its size.
SIZES = ("units", "filters")
# Strong, but two thirds of what comes in still passes.
WANTED_DROPOUT = 0.3
# The weights that a layer may be told to keep small, and where it has them.
PENALISED = {
    "kernel_regularizer": "kernel",
    "recurrent_regularizer": "recurrent_kernel",
    "bias_regularizer": "bias",
}


def less_dropout(f: Findings) -> Fix:
    layers = [layer for layer in (f.run.card.layers if f.run.card else ()) if is_reached(f.run, layer.path)]
    named = set(f.checks["architecture"].layers)
    dropping = [one.path for one in layers if one.path in named and "Dropout" in one.kind]
    cells = [one.path for one in layers if one.kind in RECURRENT and (one.number("dropout") or 0) > WANTED_DROPOUT]
    lines = joined(
        each_layer(dropping, f"layer.rate = {WANTED_DROPOUT}"),
        each_layer(cells, f"layer.cell.dropout = {WANTED_DROPOUT}"),
    )
    if f.checks["architecture"].sign("fault") == "dropout_of_output":
        return Fix("Take the dropout behind the last layer away; between hidden layers it may stay.")
    if f.checks["architecture"].sign("fault") == "noise":
        return Fix("Make the noise smaller than what the inputs spread by, a tenth of it to begin with.")
    return Fix("Lower the dropout rate.", joined(lines, mended_line(f.run)) if lines else "")


def widen(f: Findings) -> Fix:
    text = "Give the model more units, or a hidden layer if it has none."
    hidden = [layer for layer in hidden_layers(f.run) if is_reached(f.run, layer.path) and _size(layer)]
    if not f.run.card or not can_be_rebuilt(f.run):
        return Fix(text)
    if hidden:
        changes = {one.path: {_size(one): max(WIDE, one.units * 8)} for one in hidden}
        return Fix(text, with_changed_layers(f.run, changes))
    output = output_layer(f.run.card)
    if output is None or not output.parameters or "/" in output.path:
        return Fix(text)
    return Fix(text, in_front_of_output(f.run, output, "Dense(64, activation='relu')"))


def _size(layer: LayerCard) -> str | None:
    return next((name for name in SIZES if layer.number(name)), None)


def regularise(f: Findings) -> Fix:
    best = f.checks["generalization_gap"].sign("best_epoch")
    text = (
        f"Stop near epoch {best}, add dropout or L2, or train on more data."
        if best
        else "Stop earlier, add dropout or L2, or train on more data."
    )
    output = next((one for one in reversed(f.run.card.layers) if one.parameters), None) if f.run.card else None
    dropout = ""
    if output is not None and "/" not in output.path and can_be_rebuilt(f.run) and output == output_layer(f.run.card):
        dropout = in_front_of_output(f.run, output, "Dropout(0.5)")
    stops = framework_of(f.run) is Framework.KERAS_FIT and early_stopping(f.run) is None
    return Fix(text, joined(dropout, stopped_early(f.run) if stops else ""))


def lighten_penalty(f: Findings) -> Fix:
    known = f.checks["penalty_share"]
    share = max(known.sign("share_start") or 0.0, known.sign("share_end") or 0.0) or 0.99
    factor = WANTED_SHARE * max(1 - share, 0.01) / max(share, 0.01)
    took_all = f.checks["weight_shrinkage"].found
    if took_all:
        factor = min(factor, WEAKER_DECAY)
    lines = [line for one in (f.run.card.layers if f.run.card else ()) for line in _lightened(f.run, one, factor)]
    damage = " and took the weights to nothing" if took_all else ""
    return Fix(
        f"The penalty is {share:.0%} of the loss{damage}. Make it about {1 / factor:.0f} times weaker.",
        joined(*lines, mended_line(f.run)) if lines else "",
    )


def lighten_bonus(f: Findings) -> Fix:
    return Fix("Make the weight of the entropy a hundred times smaller: the other parts have to count for more.")


def lighten_activity_penalty(f: Findings) -> Fix:
    """What a layer says costs more than what is gained by saying it."""
    layers = [one for one in (f.run.card.layers if f.run.card else ()) if one.settings.get("activity_regularizer")]
    lines = [line for one in layers for line in _lightened(f.run, one, WEAKER_DECAY)]
    return Fix(
        f"Make the penalty on the layer's outputs {1 / WEAKER_DECAY:.0f} times weaker, or leave it out until the loss "
        "falls.",
        joined(*lines, mended_line(f.run)) if lines else "",
    )


def lighten_decay(f: Findings) -> Fix:
    decay = f.checks["weight_shrinkage"].sign("decay") or 0.0
    wanted = rounded(decay * WEAKER_DECAY)
    return Fix(
        f"Lower the weight decay from {decay:g} to about {wanted}, or leave it out until the loss falls.",
        compile_line(f.run, extra=f"weight_decay={wanted}"),
    )


def leave_out_the_pull(f: Findings) -> Fix:
    return Fix(
        "No optimizer's decay does this, so a part of the loss pulls the weights to 0: leave the penalty on the "
        "weights out, see the loss fall, and put a hundredth of it back."
    )


def _lightened(run: Run, one: LayerCard, factor: float) -> list[str]:
    if not is_reached(run, one.path):
        return []
    lines = []
    for option, weight in PENALISED.items():
        for kind, strength in _strengths(one.settings.get(option)):
            holder = f"{layer(one.path)}.cell" if one.kind in RECURRENT else layer(one.path)
            weaker = f"keras.regularizers.{kind}({rounded(strength * factor)})"
            lines.append(f"{holder}.{weight}.regularizer = {weaker}  # was {strength:g}")
    for kind, strength in _strengths(one.settings.get("activity_regularizer")):
        weaker = f"keras.regularizers.{kind}({rounded(strength * factor)})"
        lines.append(f"{layer(one.path)}.activity_regularizer = {weaker}  # was {strength:g}")
    return lines


def align_evaluation(f: Findings) -> Fix:
    fault = f.checks["train_eval_gap"].sign("fault")
    if fault in ("unlike_data", "quick"):
        return Fix(
            "Prepare the validation data exactly as the training data, with the same scaling and the same columns.",
            "print(x.mean(), x.std(), x_val.mean(), x_val.std())  # the pairs should agree",
        )
    names = [path for path in f.checks["train_eval_gap"].layers if is_reached(f.run, path)]
    if not names:
        return Fix(
            "Look for what differs between the two modes: dropout, normalisation, noise, an argument `training` that "
            "is not passed on."
        )
    return Fix(
        "Let the moving statistics catch up with the batches: a smaller momentum, and batches of 16 or more.",
        joined(each_layer(names, "layer.momentum = 0.9"), mended_line(f.run)),
    )


def _strengths(written: Any) -> list[tuple[str, float]]:
    """Class and strength of an L1 or L2 penalty, as a layer's settings hold it."""
    config = written.get("config") if isinstance(written, Mapping) else None
    found = [(kind, config.get(kind)) for kind in ("l1", "l2")] if isinstance(config, Mapping) else []
    return [
        (kind.upper(), float(strength))
        for kind, strength in found
        if isinstance(strength, (int, float)) and strength > 0
    ][:1]

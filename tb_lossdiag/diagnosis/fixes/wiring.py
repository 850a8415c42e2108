"""What should the user change about the loop? Shapes, what the optimizer is given, gradients and modes."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import is_loop, is_torch
from tb_lossdiag.diagnosis.loop import setter
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import learning_rate, optimizer_name
from tb_lossdiag.diagnosis.snippets import (
    class_name,
    each_layer,
    is_reached,
    joined,
    mended_line,
    optimizer_code,
    rounded,
    trained_by,
)
from tb_lossdiag.run import Run

SHOWN = 4
STEP = "optimizer.zero_grad()\nloss = criterion(model(x), y)\nloss.backward()\noptimizer.step()"
# Of a peak: what is smaller than this moves nothing any more.
FLOOR = 0.01
# A gain that a plateau callback should still count as one, in times of a typical epoch's.
COUNTED = 0.1


def match_shapes(f: Findings) -> Fix:
    text = "Give targets and outputs one shape before they meet in the loss."
    told = f.run.card.settings.get("loss_shapes") if f.run.card is not None else None
    target, prediction = (
        (told.get(name) for name in ("target", "prediction")) if isinstance(told, dict) else (None, None)
    )
    longer = isinstance(target, list) and isinstance(prediction, list) and len(target) > len(prediction)
    if is_torch(f.run):
        return Fix(text, "y = y.squeeze(-1)" if longer else "y = y.unsqueeze(-1)")
    return Fix(text, "y = y[:, 0]" if longer else "y = np.reshape(y, (len(y), -1))  # (rows,) becomes (rows, 1)")


def answer_once(f: Findings) -> Fix:
    """A model that hands on each step of a sequence where its target is one number."""
    text = "Let the model give as many numbers as a target has: the last step or the mean of a sequence, one unit."
    recurrent = [layer for layer in f.run.card.layers if layer.settings.get("return_sequences")] if f.run.card else []
    if recurrent:
        text += f" '{recurrent[-1].path}' hands on every step (return_sequences=True)."
    return Fix(text)


def put_batch_first(f: Findings) -> Fix:
    return Fix("Make the layer with batch_first=True, or give it its input as [steps, batch, features].")


def keep_examples_apart(f: Findings) -> Fix:
    return Fix(
        "Give softmax and what else is done behind the last layer the axis of the classes: dim=1 or dim=-1, not 0."
        if f.checks["example_mixing"].sign("behind")
        else "Keep the examples on their axis: swap axes with permute or transpose, as view and reshape only count off "
        "numbers anew, and give mean, softmax and norms another axis than 0."
    )


def register_weights(f: Findings) -> Fix:
    if is_torch(f.run):
        lines = [f"model.{name} = torch.nn.ModuleList(model.{name})" for name in _plain_lists(f.run)]
        return Fix(
            "Keep modules in a ModuleList and tensors as parameters, before the optimizer is made.",
            "\n".join([*lines, f"optimizer = {_torch_optimizer(f.run)}"]) if lines else "",
        )
    return Fix("Make weights with add_weight, and keep layers as attributes or in lists of the layer that calls them.")


def _plain_lists(run: Run) -> list[str]:
    """Attributes of the model that hold modules in a list, as the names of weights in them tell: "layers.0.weight"."""
    untracked = run.card.settings.get("untracked") if run.card is not None else None
    names = [one.get("name") for one in untracked if isinstance(one, dict)] if isinstance(untracked, list) else []
    parts = [name.split(".") for name in names if isinstance(name, str)]
    return list(
        dict.fromkeys(part[0] for part in parts if len(part) > 2 and part[0].isidentifier() and part[1].isdigit())
    )


def give_optimizer_its_weights(f: Findings) -> Fix:
    text = "Make the optimizer from the weights of the model that is trained, after the model is complete."
    if is_torch(f.run):
        return Fix(text, f"optimizer = {_torch_optimizer(f.run)}")
    return Fix(text, trained_by(f.run, optimizer_code(f.run)))


def clear_gradients(f: Findings) -> Fix:
    return Fix("Clear the gradients once in each step, in front of the backward pass.", STEP if is_torch(f.run) else "")


def take_steps(f: Findings) -> Fix:
    return Fix(
        "Call optimizer.step() behind each backward pass; scheduler.step() sets the learning rate and moves no weight.",
        STEP if is_torch(f.run) else "",
    )


def train_in_training_mode(f: Findings) -> Fix:
    if is_torch(f.run):
        return Fix(
            "Call model.train() in front of each epoch, and again behind each validation.", f"model.train()\n{STEP}"
        )
    return Fix(
        "Call the model in training mode where it is trained: batch normalisation moves its statistics only there.",
        "outputs = model(x, training=True)",
    )


def align_modes(f: Findings) -> Fix:
    names = [layer.path for layer in f.run.card.layers if "BatchNorm" in layer.kind] if f.run.card is not None else []
    text = "Let the moving statistics catch up with the batches: train longer, with batches of 16 or more, or let them "
    text += "move faster."
    if is_torch(f.run):
        paths = [name.replace("/", ".") for name in names[:SHOWN]]
        return Fix(text, "\n".join(f"model.get_submodule({path!r}).momentum = 0.3" for path in paths))
    lines = each_layer([name for name in names[:SHOWN] if is_reached(f.run, name)], "layer.momentum = 0.9")
    return Fix(text, joined(lines, mended_line(f.run)) if lines else "")


def hold_the_rate(f: Findings) -> Fix:
    """The scheduler that was used, with the argument changed that took the rate to nothing."""
    known, rate = setter(f.run), learning_rate(f.run) or 1e-3
    floor = rounded(FLOOR * rate)
    if known is not None and "Plateau" in known.name:
        return _patient(f, floor)
    name = known.written if known is not None else "the schedule"
    if is_torch(f.run):
        return Fix(
            f"Let {name} take its step once an epoch and not once a batch, or count its arguments in batches. "
            f"At the least, keep the rate above {floor} behind each step of it.",
            f'for group in optimizer.param_groups:\n    group["lr"] = max(group["lr"], {floor})',
        )
    return Fix(
        f"Keep {name} from going below a hundredth of its peak, or end it with the training.",
        _not_below(f, floor),
    )


def _patient(f: Findings, floor: str) -> Fix:
    config = setter(f.run).config
    monitor = config.get("monitor") if isinstance(config.get("monitor"), str) else "val_loss"
    gain, asked = _gain(f.run), config.get("min_delta", config.get("threshold"))
    least = rounded(min(1e-4, COUNTED * gain)) if gain else "0.0001"
    text = f"Let it wait longer for a plateau and never go below {floor}."
    if gain and isinstance(asked, (int, float)) and asked > gain:
        text = f"An epoch gains {rounded(gain, 2)}, less than the {asked:g} that counts as a gain: ask for less. {text}"
    if is_torch(f.run):
        return Fix(
            text,
            "scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau("
            f"optimizer, factor=0.5, patience=10, threshold={least}, min_lr={floor})",
        )
    if is_loop(f.run):
        return Fix(text, _not_below(f, floor))
    return Fix(
        text,
        f"callbacks = [keras.callbacks.ReduceLROnPlateau(monitor={monitor!r}, factor=0.5, patience=10, "
        f"min_delta={least}, min_lr={floor})]",
    )


def _not_below(f: Findings, floor: str) -> str:
    if is_loop(f.run):
        return f"optimizer.learning_rate = max(float(optimizer.learning_rate), {floor})"
    return f"keras.callbacks.LearningRateScheduler(lambda epoch, rate: max(rate, {floor}))"


def _gain(run: Run) -> float | None:
    """What a typical epoch of the first half takes off the loss; None when that is nothing, or not known."""
    losses = run.epochs.get("loss")
    values = losses.values[: max(2, (len(losses) + 1) // 2)] if losses is not None else np.zeros(0)
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    gain = float(np.median(-np.diff(values)))
    return gain if gain > 0 else None


def _torch_optimizer(run: Run) -> str:
    rate = learning_rate(run)
    given = f", lr={rounded(rate)}" if rate else ""
    return f"torch.optim.{class_name(optimizer_name(run))}(model.parameters(){given})"


def prepare_as_pretrained(f: Findings) -> Fix:
    paths = f.checks["frozen_statistics"].layers[:1]
    where = f" in front of {paths[0]!r}" if paths else ""
    by = "the same range, mean and spread" if is_torch(f.run) else "that model's own preprocess_input"
    return Fix(f"Prepare the inputs{where} as those of the pretrained weights: {by}.")

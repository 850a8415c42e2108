"""What should the user change about the loop? Shapes, what the optimizer is given, gradients and modes."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, framework_of
from tb_lossdiag.diagnosis.loop import setter
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import learning_rate, optimizer_name
from tb_lossdiag.diagnosis.snippets import class_name, compile_line, optimizer_code, rounded
from tb_lossdiag.run import Run

SHOWN = 4
# Of a peak: what is smaller than this moves nothing any more.
FLOOR = 0.01
# A gain that a plateau callback should still count as one, in times of a typical epoch's.
COUNTED = 0.1


def is_loop(run: Run) -> bool:
    """Whether the steps stand in a loop of the user's own."""
    return framework_of(run) is not Framework.KERAS_FIT


def is_torch(run: Run) -> bool:
    return framework_of(run) is Framework.TORCH_LOOP


def match_shapes(f: Findings) -> Fix:
    text = "Give targets and outputs one shape before they meet in the loss."
    told = f.run.card.settings.get("loss_shapes") if f.run.card is not None else None
    target, prediction = (
        (told.get(name) for name in ("target", "prediction")) if isinstance(told, dict) else (None, None)
    )
    longer = isinstance(target, list) and isinstance(prediction, list) and len(target) > len(prediction)
    if is_torch(f.run):
        return Fix(text, "target = target.squeeze(-1)" if longer else "target = target.unsqueeze(-1)")
    return Fix(text, "y = y[:, 0]" if longer else "y = np.reshape(y, (len(y), -1))  # (rows,) becomes (rows, 1)")


def register_weights(f: Findings) -> Fix:
    if is_torch(f.run):
        return Fix(
            "Keep modules in a ModuleList and tensors as parameters, before the optimizer is made.",
            "self.layers = torch.nn.ModuleList(self.layers)  # in __init__, instead of a plain list\n"
            f"optimizer = {_torch_optimizer(f.run)}",
        )
    return Fix(
        "Make weights with add_weight, and keep layers as attributes or in lists of the layer that calls them.",
        "class Mine(keras.layers.Layer):\n"
        "    def build(self, shape):\n"
        "        self.kernel = self.add_weight(shape=(shape[-1], 8), initializer='glorot_uniform', name='kernel')",
    )


def give_optimizer_its_weights(f: Findings) -> Fix:
    text = "Make the optimizer from the weights of the model that is trained, after the model is complete."
    if is_torch(f.run):
        return Fix(text, f"optimizer = {_torch_optimizer(f.run)}")
    made = f"optimizer = {optimizer_code(f.run)}\noptimizer.build(model.trainable_variables)"
    return Fix(text, made if is_loop(f.run) else compile_line(f.run))


def clear_gradients(f: Findings) -> Fix:
    return Fix(
        "Clear the gradients once in each step, in front of the backward pass.",
        "optimizer.zero_grad()\nloss.backward()\noptimizer.step()" if is_torch(f.run) else "",
    )


def train_in_training_mode(f: Findings) -> Fix:
    if is_torch(f.run):
        return Fix(
            "Call model.train() in front of each epoch, and again behind each validation.",
            "model.train()\noptimizer.zero_grad()\nloss = criterion(model(x), y)",
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
    lines = [f"keras.layers.BatchNormalization(momentum=0.9)  # {name!r}" for name in names[:SHOWN]]
    return Fix(text, "\n".join(lines))


def hold_the_rate(f: Findings) -> Fix:
    """The scheduler that was used, with the argument changed that took the rate to nothing."""
    known, rate = setter(f.run), learning_rate(f.run) or 1e-3
    floor = rounded(FLOOR * rate)
    if known is not None and "Plateau" in known.name:
        return _patient(f, floor)
    name = known.written if known is not None else "the schedule"
    if is_torch(f.run):
        return Fix(
            f"Let {name} take its step once an epoch and not once a batch, or count its arguments in batches.",
            "for epoch in range(epochs):\n    for x, y in loader:\n        optimizer.step()\n    scheduler.step()",
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
        f"keras.callbacks.ReduceLROnPlateau(monitor={monitor!r}, factor=0.5, patience=10, min_delta={least}, "
        f"min_lr={floor})",
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
    if is_torch(f.run):
        return Fix(
            f"Prepare the inputs{where} as those of the pretrained weights: the same range, mean and spread.",
            "x = x / 255  # if the pretrained layers saw 0 to 1\n"
            "mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])  # ImageNet's\n"
            "x = (x - mean[:, None, None]) / std[:, None, None]",
        )
    return Fix(
        f"Prepare the inputs{where} as those of the pretrained weights: the same range, mean and spread.",
        "x = x / np.float32(255)  # if the pretrained layers saw 0 to 1",
    )

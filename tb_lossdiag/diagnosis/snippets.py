"""How is a line of Keras code written in the user's own names? Layers, optimizer, loss and numbers.

The code is meant to be run as it stands, between where the model is built and where it is trained: it changes `model`,
`x`, `y`, or in a loop of one's own `optimizer` and `loss_fn`. Names from a log enter code through repr only, names of
classes as identifiers only, so pasting the code of a hostile log cannot run anything it wrote.
"""

from keyword import iskeyword

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, framework_of
from tb_lossdiag.diagnosis.layer_kinds import RECURRENT
from tb_lossdiag.diagnosis.reference import BINARY, CATEGORICAL, loss_name
from tb_lossdiag.diagnosis.settings import learning_rate, momentum, optimizer_name
from tb_lossdiag.run import LayerCard, Run

SHOWN = 8
# What compile takes by this name, as a string.
LOSSES = {
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "sparse_categorical_crossentropy", "categorical_hinge", "hinge", "squared_hinge", "huber", "log_cosh", "poisson",
    "kl_divergence", "cosine_similarity", "mean_absolute_error", "mae", "mean_squared_error", "mse", "mape",
    "mean_absolute_percentage_error", "mean_squared_logarithmic_error", "msle",
}  # fmt: skip
# Whose class is not called by the same words.
OBJECTS = {
    "mse": "MeanSquaredError", "mae": "MeanAbsoluteError", "mape": "MeanAbsolutePercentageError",
    "msle": "MeanSquaredLogarithmicError", "kl_divergence": "KLDivergence",
}  # fmt: skip
METRICS = {
    "accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "mae", "mse", "mape",
    "mean_absolute_error", "mean_squared_error",
}  # fmt: skip


def layer(path: str) -> str:
    """An expression for a layer; a nested one is reached by one get_layer for each part of its path."""
    return "".join(["model", *(f".get_layer({part!r})" for part in path.split("/"))])


def is_reached(run: Run, path: str) -> bool:
    """Whether get_layer leads there: models have it, a layer that holds others does not."""
    ends = [at for at, character in enumerate(path) if character == "/"]
    return bool(path) and not any(run.card is not None and run.card.layer(path[:end]) is not None for end in ends)


def each_layer(paths: list[str], *lines: str) -> str:
    """The lines for each of these layers, in which it is called `layer`; "" for none."""
    if not paths:
        return ""
    named = ", ".join(layer(path) for path in paths[:SHOWN])
    return "\n".join([f"for layer in ({named},):", *(f"    {line}" for line in lines)])


def activation_lines(run: Run, layers: list[LayerCard], activation: str) -> str:
    """Gives these layers another activation, and those with a kernel of their own fresh weights that suit it."""
    reached = [one for one in layers if is_reached(run, one.path)]
    dense = [one.path for one in reached if one.number("kernel_std") is not None and one.kind not in RECURRENT]
    bare = [one.path for one in reached if one.kind == "Activation"]
    cells = [one.path for one in reached if one.kind in RECURRENT]
    sharp = [one.path for one in reached if one.kind == "ReLU"]
    name = "HeNormal" if activation in ("relu", "leaky_relu") else "GlorotUniform"
    wanted = f"keras.activations.get({activation!r})"
    parts = [
        each_layer(dense, f"layer.activation = {wanted}", fresh_weights(name)),
        each_layer(bare, f"layer.activation = {wanted}"),
        # A cell that runs again and again on its own output wants a bounded one.
        each_layer(cells, "layer.cell.activation = keras.activations.get('tanh')"),
        each_layer(sharp, "layer.negative_slope = 0.2") if activation == "leaky_relu" else "",
    ]
    return "\n".join(part for part in parts if part)


def fresh_weights(initializer: str, holder: str = "layer", weight: str = "kernel") -> str:
    return f"{holder}.{weight}.assign(keras.initializers.{initializer}()({holder}.{weight}.shape))"


def mended_line(run: Run, rate: float | None = None, loss: str | None = None, extra: str = "") -> str:
    """After the model was changed: what makes it train as it is now."""
    if framework_of(run) is Framework.KERAS_LOOP:
        return joined(trained_by(run, optimizer_code(run, _written(run, rate), extra)), loss_line(loss))
    return compile_line(run, rate, loss, extra)


def compile_line(run: Run, rate: float | None = None, loss: str | None = None, extra: str = "") -> str:
    """The user's optimizer and loss, one of them changed: in compile, or where a loop of one's own makes them.

    rate: None keeps the recorded one.
    """
    optimizer = optimizer_code(run, _written(run, rate), extra)
    if framework_of(run) is Framework.KERAS_LOOP:
        return joined("" if rate is None and not extra and loss else trained_by(run, optimizer), loss_line(loss))
    return trained_by(run, optimizer, loss)


def trained_by(run: Run, optimizer: str, loss: str | None = None, metrics: str | None = None) -> str:
    """What makes this optimizer the one that trains. loss, metrics: None for the user's own.

    "" where several optimizers share the work: which of them is meant is in the user's own train_step.
    """
    if run.card is not None and run.card.optimizer.get("others"):
        return ""
    if framework_of(run) is Framework.KERAS_LOOP:
        return f"optimizer = {optimizer}"
    metrics = metrics_code(run) if metrics is None else metrics
    measured = f", metrics={metrics}" if metrics else ""
    return f"model.compile(optimizer={optimizer}, loss={loss or loss_code(run)}{measured})"


def loss_line(loss: str | None) -> str:
    """A loop's own loss: an object, which gives the mean of a batch; Keras's functions give each example's."""
    if loss is None or loss == "loss":
        return ""
    name = loss.strip("'")
    kind = OBJECTS.get(name, name.title().replace("_", ""))
    return f"loss_fn = keras.losses.{kind}()" if name != loss else f"loss_fn = {loss}"


def fit_line(run: Run, **changes: str) -> str:
    """The call of fit with the recorded numbers, some of them changed; in a loop of one's own its batches."""
    card = run.card
    known = {"batch_size": card.batch_size, "epochs": card.epochs} if card is not None else {}
    if framework_of(run) is Framework.KERAS_LOOP:
        size = changes.get("batch_size") or known.get("batch_size") or 32
        return f"dataset = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch({size})"
    arguments = {name: str(value) for name, value in known.items() if value} | changes
    return f"model.fit({', '.join(['x, y', *(f'{name}={value}' for name, value in arguments.items())])})"


def metrics_code(run: Run) -> str:
    """The user's metrics as an argument of compile; "" where no names are known, or several outputs have their own."""
    known = [name for name in (run.card.metrics if run.card else ()) if name in METRICS]
    return repr(known) if known and not has_several_outputs(run) else ""


def has_several_outputs(run: Run) -> bool:
    return run.card is not None and isinstance(run.card.loss.get("outputs"), list)


def loss_code(run: Run) -> str:
    """The user's loss as an argument of compile; the one that was compiled, where no name stands for it."""
    name = loss_name(run.card) if run.card else ""
    if has_several_outputs(run) or name not in LOSSES:
        return "model.loss"
    if name in CATEGORICAL | BINARY and run.card.loss.get("from_logits"):
        return logits_loss(run)
    return repr(name)


def loss_of_each(run: Run, predictions: str) -> str:
    """The user's loss of each example, y against these predictions; "" where it is not Keras's."""
    name = loss_name(run.card) if run.card else ""
    if name not in LOSSES:
        return ""
    logits = ", from_logits=True" if name in CATEGORICAL | BINARY and run.card.loss.get("from_logits") else ""
    return f"keras.losses.{name}(y, {predictions}{logits})"


def kept_loss(run: Run) -> str:
    """The line in front of one that makes `model` anew, where the loss would be lost with it; "" where it is named."""
    return "loss = model.loss" if loss_code(run) == "model.loss" and not _is_loop(run) else ""


def recompiled(run: Run) -> str:
    """The compile line of a model that was made anew."""
    return mended_line(run, loss="loss" if kept_loss(run) else None)


def logits_loss(run: Run) -> str:
    """The user's cross-entropy, taking logits; the one that suits the targets where another stands in its place."""
    name = loss_name(run.card) if run.card else ""
    if name not in CATEGORICAL | BINARY:
        sparse = run.card is not None and run.card.settings.get("target_kind") == "sparse_classes"
        name = "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"
    return f"keras.losses.{name.title().replace('_', '')}(from_logits=True)"


def named_layers(f: Findings, check: str) -> list[LayerCard]:
    """The layers that a check names."""
    layers = (f.run.card.layer(path) for path in f.checks[check].layers) if f.run.card else ()
    return [layer for layer in layers if layer is not None]


def ends(run: Run, name: str) -> str:
    """The model's "inputs" or "outputs", as keras.Model takes them: of one alone no list, or it would want lists."""
    kind = {"inputs": "input", "outputs": "prediction"}[name]
    rows = run.data.of_kind(kind).rows if run.data is not None else ()
    return f"model.{name}" if len(rows) > 1 else f"model.{name}[0]"


def joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def rounded(value: float, digits: int = 1) -> str:
    """One digit is all that a number to try deserves; a weight gets two."""
    return f"{float(f'{value:.{digits}g}'):g}"


def optimizer_code(run: Run, rate: str | None = None, extra: str = "") -> str:
    """The user's optimizer. rate: what to write for its learning rate, "" for nothing, None for the recorded one."""
    if rate is None:
        rate = rounded(recorded) if (recorded := learning_rate(run)) else ""
    kept = momentum(run)
    parts = [f"learning_rate={rate}" if rate else "", f"momentum={kept:g}" if kept else "", extra]
    return f"keras.optimizers.{class_name(optimizer_name(run))}({', '.join(part for part in parts if part)})"


def class_name(written: str) -> str:
    """A class's name from the log, where it can be one: outside of quotes nothing else may enter the code."""
    return written if written.isidentifier() and not iskeyword(written) else "Adam"


def _written(run: Run, rate: float | None) -> str:
    rate = learning_rate(run) if rate is None else rate
    return rounded(rate) if rate else ""


def _is_loop(run: Run) -> bool:
    return framework_of(run) is Framework.KERAS_LOOP

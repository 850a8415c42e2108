"""How is a line of Keras code written in the user's own names? Layers, optimizer, loss and numbers.

Names from a log enter code through repr only, class names as identifiers only, so pasting the code of a hostile log
cannot run anything it wrote.
"""

from keyword import iskeyword

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.reference import BINARY, CATEGORICAL, loss_name
from tb_lossdiag.diagnosis.settings import learning_rate, momentum, optimizer_name
from tb_lossdiag.run import LayerCard, Run

# Layers whose line a user can paste as it stands: units (and kernel size), activation, initialiser.
REWRITABLE = {"Dense", "Conv1D", "Conv2D", "Conv3D"}
BARE_ACTIVATIONS = {"Activation", "ReLU"}
SHOWN = 4


def layer_lines(layers: list[LayerCard], activation: str | None) -> str:
    """One constructor per layer, its path as a comment; after a few, how many more to treat alike.

    activation: the new one; None keeps each layer's own.
    """
    known = [layer for layer in layers if layer.kind in REWRITABLE | BARE_ACTIVATIONS]
    lines = [f"{_constructor(layer, activation or layer.activation)}  # {layer.path!r}" for layer in known[:SHOWN]]
    if len(known) > SHOWN:
        lines.append(f"# and the same for the other {len(known) - SHOWN}")
    return "\n".join(lines)


def compile_line(run: Run, rate: float | None = None, loss: str | None = None, extra: str = "") -> str:
    """model.compile with the user's optimizer and loss, one of them changed. rate: None keeps the recorded one."""
    rate = learning_rate(run) if rate is None else rate
    optimizer = optimizer_code(run, rounded(rate) if rate else "", extra)
    return f"model.compile(optimizer={optimizer}, loss={loss or loss_code(run)})"


def loss_code(run: Run) -> str:
    """The user's loss as an argument of compile."""
    name = loss_name(run.card) if run.card else ""
    if name in CATEGORICAL | BINARY and run.card.loss.get("from_logits"):
        return logits_loss(run)
    return repr(name or "categorical_crossentropy")


def logits_loss(run: Run) -> str:
    """The user's cross-entropy, taking logits."""
    name = loss_name(run.card) if run.card else ""
    name = name if name in CATEGORICAL | BINARY else "categorical_crossentropy"
    return f"keras.losses.{name.title().replace('_', '')}(from_logits=True)"


def named_layers(f: Findings, check: str) -> list[LayerCard]:
    """The layers that a check names."""
    layers = (f.run.card.layer(path) for path in f.checks[check].layers) if f.run.card else ()
    return [layer for layer in layers if layer is not None]


def rounded(value: float, digits: int = 1) -> str:
    """One digit is all that a number to try deserves; a weight gets two."""
    return f"{float(f'{value:.{digits}g}'):g}"


def _constructor(layer: LayerCard, activation: str | None) -> str:
    if layer.kind in BARE_ACTIVATIONS:
        return f"keras.layers.Activation({activation!r})"
    initializer = "he_normal" if activation in ("relu", "leaky_relu") else "glorot_uniform"
    size = layer.settings.get("kernel_size")
    parts = [
        str(layer.units),
        repr(tuple(size)) if isinstance(size, (list, tuple)) else "",
        _keyword("activation", activation),
    ]
    parts.append(f"kernel_initializer={initializer!r}")
    return f"keras.layers.{layer.kind}({', '.join(part for part in parts if part)})"


def _keyword(name: str, activation: str | None) -> str:
    return "" if activation in (None, "linear") else f"{name}={activation!r}"


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

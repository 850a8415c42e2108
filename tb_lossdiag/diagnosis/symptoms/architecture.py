"""Does the layer list itself limit learning? Deep stacks of saturating activations, no activation at all, strong dropout."""

from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import LayerCard, Run

ID = "architecture"
TITLE = "Architecture"
# Each sigmoid passes at most a quarter of the gradient: five of them leave less than a thousandth.
SATURATING_DEPTH = 4
# The rate above which more than two thirds of a layer is gone at each step.
DROPOUT = 0.7
SOURCE = "the derivative of a sigmoid is at most 0.25"
NORMALISING = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization"}
MERGING = {"Add", "Concatenate"}
DENSE = {"Dense", "Conv1D", "Conv2D", "Conv3D"}


def check(run: Run) -> Check:
    if run.card is None or not run.card.layers:
        return Check(ID, TITLE, "not_run", needs="the model card: add the LossDiagnostics callback")
    layers = run.card.layers
    saturating = [
        layer
        for layer in layers[:-1]
        if layer.activation in ("sigmoid", "hard_sigmoid", "tanh") and "return_sequences" not in layer.settings
    ]
    sigmoid = [layer for layer in saturating if layer.activation in ("sigmoid", "hard_sigmoid")]
    eased = any(layer.kind in NORMALISING | MERGING for layer in layers)
    dropped = [layer for layer in layers if layer.settings.get("rate", 0) > DROPOUT]
    linear = _linear_stack(layers)
    signs = (
        ("saturating", len(saturating)),
        ("sigmoid", len(sigmoid)),
        ("hidden", _hidden_units(layers)),
        ("linear", bool(linear)),
        ("dropout", max((layer.settings.get("rate", 0) for layer in layers), default=0)),
    )
    if len(saturating) > SATURATING_DEPTH and not eased:
        names = tuple(layer.path for layer in saturating)
        text = f"{len(saturating)} saturating activations in a row ({saturating[0].activation}), without normalisation or skip connections."
        return _found(text, len(saturating), SATURATING_DEPTH, names, signs + (("fault", "deep_saturating"),))
    if dropped:
        rate = max(layer.settings["rate"] for layer in dropped)
        text = f"{dropped[0].path!r} drops {rate:.0%} of its inputs at each step."
        return _found(text, rate, DROPOUT, tuple(layer.path for layer in dropped), signs + (("fault", "dropout"),))
    if linear:
        text = f"{len(linear)} weight layers follow each other without an activation ({', '.join(linear[:3])}): together they are one linear layer."
        return _found(text, len(linear), 1, linear, signs + (("fault", "linear_stack"),))
    return Check(ID, TITLE, "not_found", signs=signs)


def _found(text: str, value: float, threshold: float, layers: tuple[str, ...], signs) -> Check:
    return Check(
        ID,
        TITLE,
        "found",
        (Evidence(text, float(value), float(threshold), "", SOURCE, layers[:8]),),
        0,
        layers[:8],
        signs=signs,
    )


def _linear_stack(layers: tuple[LayerCard, ...]) -> tuple[str, ...]:
    """The weight layers of a model without any nonlinearity between them; () when there is one, or a single layer."""
    weights = [layer for layer in layers if layer.parameters and layer.kind not in NORMALISING]
    if len(weights) < 2 or any(layer.kind not in DENSE for layer in weights):
        return ()
    last = layers.index(weights[-1])
    between = layers[:last]
    bent = any(
        layer.activation not in (None, "linear")
        or "Pool" in layer.kind
        or layer.kind in ("LeakyReLU", "PReLU", "ELU", "ReLU", "Lambda", "Activation", *NORMALISING)
        for layer in between
    )
    return () if bent else tuple(layer.path for layer in weights)


def _hidden_units(layers: tuple[LayerCard, ...]) -> int | None:
    """Width of the narrowest hidden weight layer; None without one."""
    weights = [layer for layer in layers if layer.parameters and layer.units and layer.kind not in NORMALISING]
    return min((layer.units for layer in weights[:-1]), default=None)

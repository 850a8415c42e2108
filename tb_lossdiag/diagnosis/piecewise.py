"""Can these activations answer a loss of second derivatives? A piecewise linear one has none: what it bends, it bends
at a corner.
"""

from tb_lossdiag.run import LayerCard, Run

PIECEWISE_LINEAR = {"relu", "relu6", "leaky_relu", "prelu", "hard_tanh", "hard_sigmoid", "hard_shrink", "soft_shrink"}
_KINDS = {"ReLU", "LeakyReLU", "PReLU"}


def piecewise_layers(run: Run) -> list[LayerCard]:
    """Those whose activation is piecewise linear."""
    return [one for one in (run.card.layers if run.card else ()) if one.activation in PIECEWISE_LINEAR | _KINDS]


def bends_nothing(run: Run) -> str | None:
    """That the loss asks for second derivatives, and no layer has any."""
    if run.card is None or not run.card.settings.get("second_derivatives"):
        return None
    bent = piecewise_layers(run)
    known = {*PIECEWISE_LINEAR, *_KINDS, "linear", ""}
    if not bent or any((one.activation or "") not in known for one in run.card.layers):
        return None
    name = bent[0].activation
    return f"The loss holds second derivatives of the outputs, and all activations are like {name}: theirs is 0."

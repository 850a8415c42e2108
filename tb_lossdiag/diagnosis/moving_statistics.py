"""How much of what they began with do a BatchNormalization's moving statistics still hold?"""

from collections.abc import Iterable

from tb_lossdiag.run import LayerCard

# A hundredth of the starting values 0 and 1 is still in the moving statistics: 459 updates at Keras's momentum of 0.99.
# With a tenth as the bound the validation data were blamed after 240 updates, where 9 % were left and a momentum of 0.9
# cured it: weights that still change keep the averages behind, for as long as the averages remember their start.
UNWARMED = 0.01
MOMENTUM = 0.99


def left_of_start(layers: Iterable[LayerCard], updates: int) -> tuple[float, str]:
    """The largest share of its start that a layer's statistics hold after so many updates, and the layer's path.

    A layer without a known momentum has Keras's; one outside 0 to 1, as no framework takes it, is left out.
    """
    known = []
    for layer in layers:
        momentum = layer.number("momentum")
        momentum = MOMENTUM if momentum is None else momentum
        if 0 <= momentum <= 1:
            known.append((momentum**updates, layer.path))
    return max(known, default=(0.0, ""))

"""Are a layer's weights as its initialiser left them? Then it was never trained, and nothing was loaded into it.

A kernel drawn from an initialiser has that initialiser's mean and spread up to chance, which a short training hardly
moves. What tells is sharper: a bias that is exactly 0, and that no weight lies beyond the end of the initialiser's
range, which all of Keras's usual ones have. Spreads after Glorot & Bengio 2010 and He et al. 2015, as Keras draws.
"""

import math
from collections.abc import Mapping

from tb_lossdiag.run import LayerCard, finite

# Standard errors; three let through 3 in 1,000 fresh kernels, and a trained one of 1,000 weights must hit 5 % by luck.
WITHIN = 3.0
# The relative error of a normal sample's standard deviation is this over the root of its size; a uniform one's is less.
NORMAL_ERROR = math.sqrt(0.5)
# A smaller kernel's spread is too much a matter of luck to tell anything.
FEWEST_WEIGHTS = 30
HE = {"HeNormal", "HeUniform"}
GLOROT = {"GlorotNormal", "GlorotUniform"}
LECUN = {"LecunNormal", "LecunUniform"}
# A uniform draw ends at sqrt(3) of its standard deviations; Keras cuts a normal one off at two of those that it had
# before it was cut, 0.8796 of which are left.
UNIFORM_END = math.sqrt(3)
NORMAL_END = 2 / 0.87962566103423978
ROUNDED = 1 + 1e-5  # float32
# Layers whose kernel is laid out as inputs by units, so that both its fans are known.
DENSE_KERNEL = {"Dense", "Conv1D", "Conv2D", "Conv3D"}


def is_fresh(layer: LayerCard) -> bool:
    """Whether its kernel and bias are what its initialiser draws; False where that cannot be told."""
    std, mean, expected = layer.number("kernel_std"), layer.number("kernel_mean"), initial_std(layer)
    if std is None or mean is None or expected is None:
        return False
    size = (layer.number("kernel_fan_in") or 0) * (finite(layer.units) or 0)
    if size < FEWEST_WEIGHTS or not _untouched(layer, expected):
        return False
    spread_error, mean_error = NORMAL_ERROR * expected / math.sqrt(size), expected / math.sqrt(size)
    return abs(std - expected) <= WITHIN * spread_error and abs(mean) <= WITHIN * mean_error


def _untouched(layer: LayerCard, expected: float) -> bool:
    """Whether what training moves at once is where it started; False where nothing of the kind was recorded."""
    if layer.number("bias_min") or layer.number("bias_max"):
        return False
    largest, end = layer.number("kernel_max_abs"), _end(layer)
    if largest is None or end is None:
        return layer.number("bias_max") is not None
    return largest <= end * expected * ROUNDED


def _end(layer: LayerCard) -> float | None:
    """How many standard deviations from 0 the largest weight may lie; None for a draw without an end."""
    name = str(layer.initializers["kernel"].get("name"))
    if name not in HE | GLOROT | LECUN:
        return None
    return UNIFORM_END if name.endswith("Uniform") else NORMAL_END


def initial_std(layer: LayerCard) -> float | None:
    """The standard deviation that its kernel's initialiser draws; None for one that is not known by name."""
    fan_in, units, initializer = layer.number("kernel_fan_in"), finite(layer.units), layer.initializers.get("kernel")
    if layer.kind not in DENSE_KERNEL or not (fan_in and units and isinstance(initializer, Mapping)) or fan_in < 0:
        return None
    name, config = str(initializer.get("name")), initializer.get("config")
    if name in HE:
        return math.sqrt(2 / fan_in)
    if name in LECUN:
        return math.sqrt(1 / fan_in)
    if name in GLOROT:
        fans = fan_in + units * window(layer)
        return math.sqrt(2 / fans) if fans > 0 else None
    return finite(config.get("stddev")) if name == "RandomNormal" and isinstance(config, Mapping) else None


def window(layer: LayerCard) -> float:
    """How many places a convolution's kernel covers; 1 for a dense layer, NaN when it is not known."""
    size = layer.settings.get("kernel_size")
    sizes = list(size) if isinstance(size, (list, tuple)) else [] if size is None else [size]
    known = [finite(one) for one in sizes]
    return math.nan if None in known else math.prod(known)

"""Did the weights start at a scale that carries signal? Variance per layer, identical units, biases that switch off.

He et al. 2015 keep the signal's variance with Var(w) fan_in = 2 for ReLU, Glorot and Bengio 2010 with about 1 for tanh.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from tb_lossdiag.diagnosis.fresh import window
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import LayerCard, Run, finite

ID = "initialization"
TITLE = "Initialisation"
# Glorot on a widening layer gives 0.4 and He 2: an eighth or eightfold is neither's doing, and depth multiplies it.
BAND = 8.0
# Glorot on a layer that widens more, such as a convolution of few channels to many filters, gives less than an eighth
# of 2; that is Keras's default and trains. Half of it leaves room for a small kernel's luck.
GLOROT_BAND = 2.0
# A bias this negative switches a ReLU off before the first step.
RELU_BIAS = -2.0
# A bias this large puts a sigmoid within 2 % of its end.
BOUNDED_BIAS = 4.0
SOURCE = "He: Var(w) fan_in = 2, Glorot: about 1"
RELU = {"relu", "relu6"}
BOUNDED = {"sigmoid", "tanh", "hard_sigmoid"}
# Layers whose kernel's fan-in says how much of the signal passes; a recurrent or embedding kernel's does not.
FAN_IN = {"Dense", "Conv1D", "Conv2D", "Conv3D"}
RECURRENT = {"SimpleRNN", "LSTM", "GRU"}
# With one or two inputs a kernel's spread is a matter of luck.
MIN_FAN_IN = 3
# Mildest first: what a report names when several layers are off.
FAULTS = ("small_scale", "large_scale", "bias", "symmetric", "zero")


class Fault(NamedTuple):
    kind: str
    layer: str
    text: str
    value: float | None = None
    threshold: float | None = None


def check(run: Run) -> Check:
    if run.card is None or not any(layer.number("kernel_std") is not None for layer in run.card.layers):
        return Check(ID, TITLE, "not_run", needs=recorded("the model card", run))
    faults = list(_faults(run.card.layers))
    if not faults:
        usual = Evidence("Every layer's weights started on a usual scale.", source=SOURCE)
        return Check(ID, TITLE, "not_found", (usual,), signs=(("fault", "normal"),))
    worst = max(faults, key=lambda fault: FAULTS.index(fault.kind))
    layers = tuple(fault.layer for fault in faults if fault.kind == worst.kind)[:8]
    evidence = Evidence(worst.text, worst.value, worst.threshold, "", SOURCE, (worst.layer,))
    return Check(ID, TITLE, "found", (evidence,), 0, layers, signs=(("fault", worst.kind),))


def _faults(layers: tuple[LayerCard, ...]) -> Iterator[Fault]:
    weighted = [layer for layer in layers if layer.number("kernel_std") is not None]
    for layer in weighted:
        activation = _activation_after(layer, layers)
        if layer.settings.get("kernel_identical_columns") or layer.number("kernel_std") == 0:
            yield from _symmetry(layer, layer is weighted[-1])
        else:
            yield from _bias(layer, activation, layer is weighted[-1])
            yield from _scale(layer, activation, layer is weighted[-1])


def _symmetry(layer: LayerCard, last: bool) -> Iterator[Fault]:
    """An output layer of zeros is a usual, harmless start: its units get different gradients."""
    if layer.number("kernel_std") == layer.number("kernel_mean") == 0:
        if not last:
            yield Fault(
                "zero", layer.path, f"The weights of {layer.path!r} all start at 0: its units can only do the same."
            )
    elif (layer.units or 1) > 1:
        yield Fault("symmetric", layer.path, f"All units of {layer.path!r} start alike and stay copies of each other.")


def _bias(layer: LayerCard, activation: str | None, last: bool) -> Iterator[Fault]:
    high, mean = layer.number("bias_max"), layer.number("bias_mean") or 0.0
    if high is None:
        return
    if activation in RELU and high < RELU_BIAS:
        text = f"Every bias of {layer.path!r} starts at {high:.3g} or below: its {activation} units start switched off."
        yield Fault("bias", layer.path, text, high, RELU_BIAS)
    if activation in BOUNDED and abs(mean) > BOUNDED_BIAS and not last:
        text = f"The biases of {layer.path!r} start at {mean:.3g}: its {activation} units start saturated."
        yield Fault("bias", layer.path, text, mean, BOUNDED_BIAS)


def _recurrent_scale(layer: LayerCard) -> Iterator[Fault]:
    """Against Glorot's standard deviation, of the kernel that reads the inputs; gates only make that smaller."""
    std, fans = layer.number("kernel_std"), (layer.number("kernel_fan_in") or 1.0) + (finite(layer.units) or 1)
    size = std / math.sqrt(2 / fans) if fans > 0 else 0.0
    if size > BAND:
        told = f"The weights of {layer.path!r} start with a standard deviation of {std:.3g}, {size:.0f} times Glorot's."
        yield Fault("large_scale", layer.path, told, size, BAND)


def _scale(layer: LayerCard, activation: str | None, last: bool) -> Iterator[Fault]:
    fan_in = layer.number("kernel_fan_in") or 1.0
    if layer.kind in RECURRENT:
        yield from _recurrent_scale(layer)
    if layer.kind not in FAN_IN or fan_in < MIN_FAN_IN:
        return
    std, mean = layer.number("kernel_std"), layer.number("kernel_mean") or 0.0
    gain = (std * std + mean * mean) * fan_in
    wanted = 2.0 if activation in RELU else 1.0
    told = f"Var(w) fan_in is {gain:.3g}, {activation or 'linear'} wants about {wanted:g}."
    if gain > wanted * BAND:
        size = math.sqrt(gain / wanted)
        yield Fault(
            "large_scale",
            layer.path,
            f"The weights of {layer.path!r} start {size:.1f} times too large: {told}",
            gain,
            wanted * BAND,
        )
    elif 0 < gain < min(wanted / BAND, _glorot_gain(layer, fan_in) / GLOROT_BAND) and not last:
        size = math.sqrt(wanted / gain)
        yield Fault(
            "small_scale",
            layer.path,
            f"The weights of {layer.path!r} start {size:.1f} times too small: {told}",
            gain,
            wanted / BAND,
        )


def _glorot_gain(layer: LayerCard, fan_in: float) -> float:
    """Var(w) fan_in under Glorot and Bengio: Var(w) = 2 / (fan_in + fan_out). Infinite when fan_out is not known."""
    fan_out = (finite(layer.units) or math.nan) * window(layer)
    return 2 * fan_in / (fan_in + fan_out) if fan_out >= 0 else math.inf


def _activation_after(layer: LayerCard, layers: tuple[LayerCard, ...]) -> str | None:
    """The layer's own activation, or that of an Activation or ReLU layer right behind it."""
    if layer.activation not in (None, "linear"):
        return layer.activation
    behind = layers[layers.index(layer) + 1 :]
    follower = next((other for other in behind if other.kind not in ("Dropout", "BatchNormalization")), None)
    return follower.activation if follower is not None and "kernel_std" not in follower.settings else layer.activation

"""Did the weights start at a scale that carries signal? Variance per layer, identical units, dead-on-arrival biases.

He et al. 2015 keep the signal's variance with Var(w) fan_in = 2 for ReLU, Glorot and Bengio 2010 with about 1 for tanh.
"""

import math

from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import LayerCard, Run

ID = "initialization"
TITLE = "Initialisation"
# Glorot on a widening layer gives 0.4 and He 2: an eighth or eightfold is neither's doing. Depth multiplies it.
BAND = 8.0
# A bias this negative switches a ReLU off before the first step, a bias this large saturates a sigmoid.
BIAS = 2.0
SOURCE = "He: Var(w) fan_in = 2, Glorot: about 1"
RELU = {"relu", "relu6"}
BOUNDED = {"sigmoid", "tanh", "hard_sigmoid"}


def check(run: Run) -> Check:
    if run.card is None or not any("kernel_std" in layer.settings for layer in run.card.layers):
        return Check(ID, TITLE, "not_run", needs="the model card: add the LossDiagnostics callback")
    fault, layer, value, threshold, text = max(_judgements(run.card.layers), key=lambda j: RANK.index(j[0]))
    names = (layer,) if fault != "normal" else ()
    evidence = Evidence(text, value, threshold, "Var(w) fan_in" if "scale" in fault else "", SOURCE, names)
    faulty = tuple(j[1] for j in _judgements(run.card.layers) if j[0] == fault) if names else ()
    return Check(
        ID,
        TITLE,
        "found" if names else "not_found",
        (evidence,),
        0 if names else None,
        faulty[:8],
        signs=(("fault", fault), ("value", value)),
    )


RANK = ("normal", "small_scale", "large_scale", "bias", "symmetric", "zero")


def _judgements(layers: tuple[LayerCard, ...]):
    yield "normal", "", None, None, "Every layer's initial weights are within the usual range."
    weighted = [layer for layer in layers if "kernel_std" in layer.settings]
    for position, layer in enumerate(weighted):
        facts, last = layer.settings, position == len(weighted) - 1
        activation = _activation_after(layer, layers)
        if facts["kernel_std"] == 0 and facts["kernel_mean"] == 0 and not last:
            yield (
                "zero",
                layer.path,
                0.0,
                0.0,
                f"The weights of {layer.path!r} all start at 0: its units can only ever do the same.",
            )
            continue
        if facts.get("kernel_identical_columns") and (layer.units or 1) > 1:
            yield (
                "symmetric",
                layer.path,
                None,
                None,
                f"All units of {layer.path!r} start with the same weights and stay copies of each other.",
            )
            continue
        bias = facts.get("bias_max")
        if bias is not None and bias < -BIAS and activation in RELU:
            yield (
                "bias",
                layer.path,
                bias,
                -BIAS,
                f"Every bias of {layer.path!r} starts at or below {bias:.3g}: its {activation} units start switched off.",
            )
        if bias is not None and abs(facts.get("bias_mean", 0)) > 2 * BIAS and activation in BOUNDED and not last:
            mean = facts["bias_mean"]
            yield (
                "bias",
                layer.path,
                mean,
                2 * BIAS,
                f"The biases of {layer.path!r} start at {mean:.3g}: its {activation} units start saturated.",
            )
        fan_in = facts.get("kernel_fan_in") or 1
        gain = (facts["kernel_std"] ** 2 + facts["kernel_mean"] ** 2) * fan_in
        wanted = 2.0 if activation in RELU else 1.0
        if layer.kind in ("Dense", "Conv1D", "Conv2D", "Conv3D") and fan_in > 2 and gain > 0:
            ratio = gain / wanted
            if ratio > BAND:
                yield (
                    "large_scale",
                    layer.path,
                    gain,
                    wanted * BAND,
                    f"The weights of {layer.path!r} start {math.sqrt(ratio):.1f} times too large: Var(w) fan_in is {gain:.3g}, {activation or 'linear'} wants about {wanted:g}.",
                )
            elif ratio < 1 / BAND and not last:
                yield (
                    "small_scale",
                    layer.path,
                    gain,
                    wanted / BAND,
                    f"The weights of {layer.path!r} start {math.sqrt(1 / ratio):.1f} times too small: Var(w) fan_in is {gain:.3g}, {activation or 'linear'} wants about {wanted:g}.",
                )


def _activation_after(layer: LayerCard, layers: tuple[LayerCard, ...]) -> str | None:
    """The layer's own activation, or that of an Activation or ReLU layer right behind it."""
    if layer.activation not in (None, "linear"):
        return layer.activation
    at = layers.index(layer)
    follower = next((l for l in layers[at + 1 :] if l.kind not in ("Dropout", "BatchNormalization")), None)
    return follower.activation if follower is not None and "kernel_std" not in follower.settings else layer.activation

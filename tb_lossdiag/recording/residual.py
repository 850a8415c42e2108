"""What is dL/dz of each example, at the output's pre-activation z? A form that each framework computes for itself."""

from tb_lossdiag.recording.losses import Loss

MAX_KERNEL_ELEMENTS = 2**20  # two gradients of a larger output kernel would cost more than all other statistics
CATEGORICAL = ("CategoricalCrossentropy", "SparseCategoricalCrossentropy")


def residual_form(activation: str | None, loss: Loss) -> str | None:
    """From prediction p and target y, but for a constant factor: "softmax" for softmax(p) - y, "sigmoid" for
    sigmoid(p) - y, "difference" for p - y, "sign" for its sign; None where it is not known."""
    if loss.ignores:
        return None
    if activation == "linear":
        if loss.from_logits:
            return {**dict.fromkeys(CATEGORICAL, "softmax"), "BinaryCrossentropy": "sigmoid"}.get(loss.name)
        return {"MeanSquaredError": "difference", "MeanAbsoluteError": "sign"}.get(loss.name)
    if loss.from_logits:
        return None
    pairs = {("softmax", name) for name in CATEGORICAL} | {("sigmoid", "BinaryCrossentropy")}
    return "difference" if (activation, loss.name) in pairs else None

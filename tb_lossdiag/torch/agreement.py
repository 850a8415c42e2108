"""Do the two halves of a batch ask for the same step? The cosine of their gradients at the output layer's weights.

There a gradient is the layer's input times the residual, dL/dz of each example, which needs no further backward pass.
"""

import torch
from torch import Tensor

from tb_lossdiag.recording.torch.statistics import as_float, half_agreement
from tb_lossdiag.torch.losses import Loss

MAX_WEIGHTS = 2**20  # the two gradients of a larger layer would cost more than all other statistics


def gradient_agreement(features: Tensor, logits: Tensor, target: Tensor, activation: str, loss: Loss) -> Tensor | None:
    """Cosine of the gradients of the first and the second half of the batch; NaN for fewer than 4 examples.

    features, logits: input and output of the output layer. None where this loss's residual is not known.
    """
    width, units = features.shape[-1], logits.shape[-1]
    target = _in_shape_of(logits, target, loss)
    if target is None or loss.weighted or width * units > MAX_WEIGHTS:
        return None
    residual = _residual(as_float(logits), target, activation, loss)
    return None if residual is None else half_agreement(as_float(features), residual)


def _residual(logits: Tensor, target: Tensor, activation: str, loss: Loss) -> Tensor | None:
    """dL/dz of each example, but for a constant factor."""
    linear = activation == "linear"
    if "Categorical" in loss.name and activation in ("linear", "log_softmax"):
        return logits.softmax(-1) - target
    if loss.name == "BinaryCrossentropy" and (linear if loss.from_logits else activation == "sigmoid"):
        return logits.sigmoid() - target
    if linear and loss.name == "MeanSquaredError":
        return logits - target
    return (logits - target).sign() if linear and loss.name == "MeanAbsoluteError" else None


def _in_shape_of(logits: Tensor, target: Tensor, loss: Loss) -> Tensor | None:
    """float32 targets as the loss compares them; None where they are not one for each output or example."""
    if loss.classes is not None:
        labels = target.reshape(-1)
        if labels.numel() * logits.shape[-1] != logits.numel() or loss.classes != logits.shape[-1]:
            return None
        classes = torch.arange(loss.classes, device=labels.device)
        return (labels[:, None] == classes).float().reshape(logits.shape)
    return as_float(target).reshape(logits.shape) if target.numel() == logits.numel() else None

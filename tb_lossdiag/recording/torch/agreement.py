"""Do the two halves of a batch ask for the same step, on PyTorch? The cosine of their gradients at the output's kernel.

Sample weights, label smoothing and penalties are left out.
"""

from torch import Tensor
from torch.nn import functional as F

from tb_lossdiag.recording.losses import Loss
from tb_lossdiag.recording.output_layer import output_layer
from tb_lossdiag.recording.residual import MAX_KERNEL_ELEMENTS, residual_form
from tb_lossdiag.recording.torch.observation import Observation
from tb_lossdiag.recording.torch.statistics import as_float, half_agreement

RESIDUALS = {
    "softmax": lambda p, y: p.softmax(-1) - y,
    "sigmoid": lambda p, y: p.sigmoid() - y,
    "difference": lambda p, y: p - y,
    "sign": lambda p, y: (p - y).sign(),
}


def gradient_agreement(observation: Observation, target: Tensor, prediction: Tensor, loss: Loss) -> Tensor | None:
    """Cosine of the gradients of the first and the second half of the batch; NaN for fewer than 4 examples.

    None where the prediction is no Dense layer's, but for an activation, or its loss has no residual that is known.
    """
    features, activation = output_layer(observation.calls, observation.structure, prediction)
    residual = RESIDUALS.get(residual_form(activation, loss))
    if residual is None or features.shape[-1] * prediction.shape[-1] > MAX_KERNEL_ELEMENTS:
        return None
    target = _in_shape_of(prediction, target, sparse=loss.name.startswith("Sparse"))
    return None if target is None else half_agreement(as_float(features), residual(as_float(prediction), target))


def _in_shape_of(prediction: Tensor, target: Tensor, sparse: bool) -> Tensor | None:
    """float32 targets as the loss compares them; None where their shapes do not tell."""
    units = prediction.shape[-1]
    if sparse:
        if target.dim() == prediction.dim() and target.shape[-1] == 1:
            target = target[..., 0]
        labels = target.long()
        known = target.dim() == prediction.dim() - 1 and bool(((labels >= 0) & (labels < units)).all())
        return F.one_hot(labels, units).float() if known else None
    if target.dim() == prediction.dim() - 1 and units == 1:
        target = target[..., None]
    return as_float(target) if target.dim() == prediction.dim() and target.shape[-1] == units else None

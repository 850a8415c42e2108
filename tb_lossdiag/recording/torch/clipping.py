"""How much of the gradient does the optimizer's own clipping leave, on PyTorch?"""

from collections.abc import Sequence
from typing import Any

import keras
import torch
from torch import Tensor

from tb_lossdiag.recording.torch.statistics import in_groups, norm


def clip_factor(
    optimizer: Any, gradients: Sequence[Tensor], norms: Tensor | None, scale: Tensor | float | None
) -> Tensor | None:
    """Norm over all variables after clipping / before; None where the optimizer does not clip each step's gradients.

    gradients: as given to the optimizer, multiplied by `scale` where that is not None. norms: theirs, unscaled; None
    for no gradients.
    """
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    if norms is None or optimizer.gradient_accumulation_steps:
        return None  # Keras clips the sum over several steps then
    whole = norm(norms[None, :])[0]
    if _limits(optimizer.clipnorm):
        after = norms * (optimizer.clipnorm / norms).clamp(max=1.0)
    elif _limits(optimizer.global_clipnorm):
        after = norms * (optimizer.global_clipnorm / whole).clamp(max=1.0)
    elif _limits(optimizer.clipvalue):
        limit, scale = optimizer.clipvalue, 1.0 if scale is None else scale
        clipped = [((gradient / scale).clamp(-limit, limit),) for gradient in gradients]
        after = in_groups(lambda rows: {"norm": norm(rows)}, clipped)["norm"]
    else:
        return None
    factor = torch.where(whole > 0.0, norm(after[None, :])[0] / whole, 1.0)
    return torch.where(torch.isfinite(whole), factor, torch.nan)


def _limits(setting: float | None) -> bool:
    return bool(setting and setting > 0)

"""What did the optimizer's step do? Parameters and gradients before it, parameters after it, as columns of numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from tb_lossdiag.torch import statistics


@dataclass(frozen=True)
class Gradients:
    """As the optimizer gets them. columns: {statistic: float32 [reached]}. meant: which elements are not 0."""

    reached: tuple[str, ...]
    columns: statistics.Numbers
    meant: tuple[Tensor, ...]


def weights_of(parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """A copy: an optimizer changes them in place."""
    return {path: parameter.detach().clone() for path, parameter in parameters.items()}


def gradients_of(parameters: Mapping[str, nn.Parameter], scale: Tensor | None) -> Gradients:
    """scale: by what they are still multiplied, where the optimizer itself divides by a GradScaler's factor.

    An optimizer may change gradients too, so nothing but their signs of life is kept.
    """
    raw = {path: parameter.grad.detach() for path, parameter in parameters.items() if parameter.grad is not None}
    dense = {path: gradient.to_dense() if gradient.is_sparse else gradient for path, gradient in raw.items()}
    if scale is not None:
        dense = {path: gradient / scale.to(gradient.device) for path, gradient in dense.items()}
    columns = statistics.in_groups(statistics.gradient_statistics, [(gradient,) for gradient in dense.values()])
    return Gradients(tuple(dense), columns, tuple(gradient != 0 for gradient in dense.values()))


def updates_of(
    before: Mapping[str, Tensor], parameters: Mapping[str, nn.Parameter], gradients: Gradients
) -> tuple[statistics.Numbers, statistics.Numbers]:
    """Columns over all parameters, and unchanged_share over those that were reached."""
    after = {path: parameters[path].detach() for path in before}
    updates = statistics.in_groups(statistics.update_statistics, [(before[path], after[path]) for path in before])
    same = [before[path] == after[path] for path in gradients.reached]
    shares = statistics.in_groups(statistics.unchanged_share, list(zip(same, gradients.meant, strict=True)))
    return updates, shares


def whole_norm(norms: list[float]) -> float:
    """Over all parameters, in float64; NaN where one is."""
    return math.nan if any(map(math.isnan, norms)) else math.hypot(*norms)

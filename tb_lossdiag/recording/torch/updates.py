"""What did the optimizer's step do? Parameters and gradients before it, parameters after it, as columns of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tb_lossdiag.recording.torch import statistics
from tb_lossdiag.recording.torch.histograms import drawn


@dataclass(frozen=True)
class Gradients:
    """As the optimizer gets them. columns: {statistic: float32 [reached]}. alive: which elements are not 0, as 1.

    drawn: values for a histogram; none in a sample that has no histograms.
    """

    reached: tuple[str, ...]
    columns: statistics.Numbers
    alive: tuple[Tensor, ...]
    drawn: Mapping[str, Tensor]


def copies_of(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An optimizer changes them in place."""
    return {path: weight.detach().clone() for path, weight in weights.items()}


def gradients_of(gradients: Mapping[str, Tensor], scale: Tensor | float | None, counts: bool) -> Gradients:
    """scale: by what they are still multiplied. counts: whether the sample has histograms.

    An optimizer may change gradients too, so nothing but their signs of life and what is drawn is kept.
    """
    dense = {path: gradient.to_dense() if gradient.is_sparse else gradient for path, gradient in gradients.items()}
    if isinstance(scale, Tensor):
        dense = {path: gradient / scale.to(gradient.device) for path, gradient in dense.items()}
    elif scale is not None:
        dense = {path: gradient / scale for path, gradient in dense.items()}
    alive = tuple(map(statistics.signs_of_life, dense.values()))
    pairs = list(zip(dense.values(), alive, strict=True))
    columns = statistics.in_groups(statistics.gradient_statistics, pairs)
    return Gradients(tuple(dense), columns, alive, {path: drawn(x) for path, x in dense.items()} if counts else {})


def joined(several: Sequence[Gradients]) -> Gradients:
    """Of a step that updates more than once; of a parameter's gradients the last one counts."""
    if len(several) == 1:
        return several[0]
    last = {path: (part, at) for part, given in enumerate(several) for at, path in enumerate(given.reached)}
    columns = {
        name: torch.stack([several[part].columns[name][at] for part, at in last.values()])
        for name in (several[0].columns if last else ())
    }
    alive = tuple(several[part].alive[at] for part, at in last.values())
    return Gradients(tuple(last), columns, alive, {path: x for given in several for path, x in given.drawn.items()})


def updates_of(before: Mapping[str, Tensor], after: Mapping[str, Tensor], gradients: Gradients) -> statistics.Numbers:
    """{statistic: float32 [parameters]}. before, after: all parameters, in one order."""
    alive = dict(zip(gradients.reached, gradients.alive, strict=True))
    unreached = {path: torch.zeros_like(before[path], dtype=torch.float32) for path in before if path not in alive}
    meant = alive | unreached
    return statistics.in_groups(
        statistics.update_statistics, [(before[path], after[path], meant[path]) for path in before]
    )

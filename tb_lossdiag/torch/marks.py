"""Did the gradients change? A mark of each, which says so without a look at the numbers."""

from collections.abc import Iterable

from torch import Tensor

from tb_lossdiag.torch.private import version_of

NO_GRADIENT = (0, 0)


def marks(parameters: Iterable[Tensor]) -> list[tuple[int, int]]:
    """One of each parameter's gradient; another one after whatever was added to it, or done to it in place."""
    return [_mark(parameter) for parameter in parameters]


def _mark(parameter: Tensor) -> tuple[int, int]:
    gradient = parameter.grad
    return NO_GRADIENT if gradient is None else (id(gradient), version_of(gradient))

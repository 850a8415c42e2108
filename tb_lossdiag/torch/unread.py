"""What were the losses of plain steps, when the device is still computing them? Losses that are read later.

All that are there are copied to the host with the first that is asked for.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from tb_lossdiag.recording.torch.statistics import as_float


class Unread:
    """Losses that are read later than their step."""

    def __init__(self) -> None:
        self._tensors: list[Tensor] = []
        self._values: list[list[float]] = []

    def add(self, loss: Tensor) -> Callable[[], float]:
        """A function that tells the loss."""
        value: list[float] = []
        self._tensors.append(loss)
        self._values.append(value)

        def read() -> float:
            self._read_all()
            return value[0]

        return read

    def _read_all(self) -> None:
        tensors, values, self._tensors, self._values = self._tensors, self._values, [], []
        if tensors:
            home = tensors[0].device
            read = torch.stack([as_float(tensor).to(home) for tensor in tensors]).tolist()
            for value, number in zip(values, read, strict=True):
                value.append(number)

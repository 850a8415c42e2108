"""What do the gradients hold that they should not, or no longer? Left from the step before, cleared too early, clipped.

`zero_grad` belongs in front of the backward pass, or behind the step. Without it each step adds all earlier gradients;
between the two it takes this step's away. Several backward passes of one step add up on purpose.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor
from torch.optim import Optimizer

from tb_lossdiag.recording.torch.statistics import as_float
from tb_lossdiag.torch.backward import Listener, listen, unlisten
from tb_lossdiag.torch.marks import NO_GRADIENT, marks


class HeldGradients(Listener):
    """`open` before a sampled step, `close` when the optimizer is about to take it.

    carried: L2 of what the gradients held when the first backward pass began whose gradients the step gets; None where
    no backward pass was heard. were_cleared: whether the optimizer gets nothing of what a backward pass had given.
    left: L2 of what it gets, in times of what the last backward pass had left; None where none was heard.
    """

    def __init__(self, optimizer: Optimizer, guarded: Callable[[], AbstractContextManager]) -> None:
        """optimizer: of its weights' gradients; nobody clears those of others."""
        self._optimizer = optimizer
        self._guarded = guarded
        self._parameters: list[Tensor] = []
        self._forget()

    def _forget(self) -> None:
        self.carried: Tensor | None = None
        self.were_cleared = False
        self.left: Tensor | None = None
        self._depth = 0
        self._begun: Tensor | None = None
        self._given: Tensor | None = None
        self._before: list[tuple[int, int]] = []
        self._after: list[tuple[int, int]] = []

    def open(self) -> None:
        self._forget()
        self._parameters = trained_by(self._optimizer)
        listen(self)

    def close(self) -> None:
        unlisten(self)
        if self._after:
            with self._guarded(), torch.no_grad():
                self.were_cleared = self._are_cleared()
                if self._given is not None and not self.were_cleared:
                    self.left = self._norm().to(self._given.device) / self._given

    def backward_begins(self, loss: Tensor | None) -> None:
        self._depth += 1
        if self._depth > 1:
            return  # a checkpointed part, which is differentiated inside of the step's own backward pass
        with self._guarded(), torch.no_grad():
            self._before = marks(self._parameters)
            self._begun, self._given = self._norm(), None

    def backward_ended(self, loss: Tensor | None) -> None:
        self._depth = max(0, self._depth - 1)
        if self._depth:
            return
        with self._guarded(), torch.no_grad():
            after = marks(self._parameters)
            if after == self._before or self._begun is None:
                return  # of another model
            self._after, self._given = after, self._norm()
            if self.carried is None:
                self.carried = self._begun
            else:  # what was there at first may have been cleared since, as a discriminator's of the generator's step
                self.carried = torch.where(self._begun == 0.0, self._begun, self.carried.to(self._begun.device))

    def _norm(self) -> Tensor:
        return _norm([parameter.grad for parameter in self._parameters if parameter.grad is not None])

    def _are_cleared(self) -> bool:
        now = marks(self._parameters)
        given = [
            (parameter.grad, mark != before)
            for parameter, mark, before in zip(self._parameters, now, self._after, strict=True)
            if before != NO_GRADIENT
        ]
        return bool(given) and all(gradient is None or (new and not gradient.any()) for gradient, new in given)


def trained_by(optimizer: Optimizer) -> list[Tensor]:
    """The weights that it has."""
    return [x for group in optimizer.param_groups for x in group["params"] if x.requires_grad]


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    if not gradients:
        return torch.zeros(())
    home = gradients[0].device  # a model's layers may lie on several
    dense = (gradient.to_dense() if gradient.is_sparse else gradient for gradient in gradients)
    norms = [torch.linalg.vector_norm(as_float(gradient)).to(home) for gradient in dense]
    return torch.linalg.vector_norm(torch.stack(norms))

"""How do the families' PyTorch programs take their steps? The order of clear, backward and step is where faults are."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tb_lossdiag.torch import watch


def begin(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)


def tensors(*arrays: np.ndarray) -> tuple[Tensor, ...]:
    """Integers as int64, which PyTorch's losses ask for, and the rest as float32."""
    made = (torch.from_numpy(np.ascontiguousarray(array)) for array in arrays)
    return tuple(one.float() if one.is_floating_point() else one.long() for one in made)


def batches(size: int, *whole: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """One epoch in a random order."""
    for rows in torch.randperm(len(whole[0])).split(size):
        yield tuple(one[rows] for one in whole)


def descend(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    log_dir: str,
    data: tuple[Tensor, ...],
    loss_of: Callable[..., Tensor],
    epochs: int,
    size: int = 32,
    criterion: nn.Module | None = None,
    clear: str = "before",
    schedule: Callable[[torch.optim.Optimizer], Any] | None = None,
    schedule_each: str = "epoch",
    mode: str = "train",
) -> float:
    """Minimises loss_of(model, *batch), recorded; answers the mean loss of the last epoch.

    criterion: the loss module, where the program has one and says so. clear: when gradients are cleared, "before" the
    backward pass, "between" it and the step, or "never". mode: what the model is in, "train" or "eval".
    """
    scheduler = schedule(optimizer) if schedule else None
    losses: list[float] = []
    model.train(mode == "train")
    with watch(model, optimizer, log_dir, loss=criterion, epochs=epochs) as watcher:
        for epoch in range(epochs):
            losses = []
            for batch in batches(size, *data):
                if clear == "before":
                    optimizer.zero_grad()
                loss = loss_of(model, *batch)
                loss.backward()
                if clear == "between":
                    optimizer.zero_grad()
                optimizer.step()
                losses.append(loss.item())
                if scheduler and schedule_each == "step":
                    scheduler.step()
            if scheduler and schedule_each == "epoch":
                scheduler.step()
            watcher.epoch(epoch)
    return float(np.mean(losses))


def predicted(model: nn.Module, *inputs: Tensor) -> np.ndarray:
    """The model's output in evaluation mode."""
    model.eval()
    with torch.no_grad():
        return model(*inputs).numpy()

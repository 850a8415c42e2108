"""How is a plain PyTorch training loop recorded? `watch` hooks a model and its optimizer; the loop stays as it is."""

import os
from collections.abc import Callable, Sequence

from torch import nn
from torch.optim import Optimizer

from tb_lossdiag.recording.cadence import checked_every
from tb_lossdiag.recording.policy import policy
from tb_lossdiag.recording.selection import selection
from tb_lossdiag.recording.writer import checked_directory
from tb_lossdiag.torch.watcher import Watcher


def watch(
    model: nn.Module,
    optimizer: Optimizer,
    log_dir: str | os.PathLike,
    *,
    loss: nn.Module | Callable | None = None,
    every: int | str = "auto",
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    include: str | Sequence[str] | None = None,
    exclude: str | Sequence[str] | None = None,
    on_finding: str | Callable | None = None,
    min_severity: str = "warning",
) -> Watcher:
    """Records a training into `<log_dir>/diagnostics` until the answered Watcher is closed.

        with watch(model, optimizer, "logs/run1", loss=criterion) as watcher:
            for epoch in range(5):
                for x, y in loader:
                    optimizer.zero_grad()
                    criterion(model(x), y).backward()
                    optimizer.step()
                watcher.epoch(epoch, val_loss=...)  # where there is a validation

    A step is one `optimizer.step()`. Its forward pass is the one whose output the loss was computed from, of several
    the one with most examples; its gradients are those that the optimizer gets, so clipped ones where the loop clips
    them. Under a GradScaler they are unscaled; a step that it skips is one whose update is 0.

    loss: the loss module that the loop calls on predictions and targets, or any callable loss(prediction, target) that
        gives its loss; such a one is tried on what the loop holds, and called again on other outputs. Without it the
        loss is the scalar on which `backward` was called. Torch's own losses are recognised without it.
    every: "auto" or an int, how many steps lie between two samples. epochs, steps_per_epoch: what is planned.
    include, exclude: patterns of layer paths such as "encoder/*"; layers that match none of the first, where there are
        any, or one of the second are left out. Norms over all parameters still count every one.
    on_finding: what to do once something of `min_severity` ("critical", "warning" or "note") is found while training:
        None, "warn", "stop" (warns, and the loop asks `should_stop`), or a callable that takes the cause and the
        report. Diagnosed in the background from what was recorded, in a fiftieth of the time.

    Raises TypeError or ValueError at once for a wrong argument. Where torch.distributed runs, only rank 0 records.
    Inside a compiled model no layer's output is seen; its parameters, inputs and predictions are.
    """
    for name, value, kind, allowed in (
        ("model", model, nn.Module, "an nn.Module"),
        ("optimizer", optimizer, Optimizer, "a torch.optim.Optimizer"),
        ("loss", loss, nn.Module | Callable | None, "an nn.Module such as nn.CrossEntropyLoss(), a callable, or None"),
    ):
        if not isinstance(value, kind):
            raise TypeError(f"{name}={value!r}: expected {allowed}, got {type(value).__name__}")
    if isinstance(loss, type):
        raise TypeError(f"loss={loss!r}: expected one that is made, such as {loss.__name__}(), got the class itself")
    for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise TypeError(f"{name}={value!r}: expected a positive int or None, got {type(value).__name__}")
        if value is not None and value < 1:
            raise ValueError(f"{name}={value}: expected a positive int or None")
    if any(hasattr(parameter, "placements") for parameter in model.parameters()):
        raise ValueError(f"model={type(model).__name__}: expected whole parameters; sharded ones (FSDP) are not read")
    log_dir = checked_directory(log_dir)
    return Watcher(
        model,
        optimizer,
        log_dir,
        loss,
        checked_every(every),
        epochs,
        steps_per_epoch,
        selection(include, exclude),
        policy(on_finding, min_severity, log_dir),
    )

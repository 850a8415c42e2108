"""What would a check that was not run have needed? Told in the terms of the framework that trained the run."""

from tb_lossdiag.diagnosis.settings import is_torch
from tb_lossdiag.run import Run


def recorded(what: str, run: Run) -> str:
    """What only a recording has, and how it is made."""
    if is_torch(run):
        return f"{what}: record with tb_lossdiag.torch.watch(model, optimizer, log_dir, loss=criterion)"
    elsewhere = "" if run.card or run.source == "recorded" else ", or tb_lossdiag.torch.watch in PyTorch"
    return f"{what}: add the LossDiagnostics callback{elsewhere}"


def validation_losses(run: Run) -> str:
    how = "tell them in watcher.epoch(epoch, val_loss=...)" if is_torch(run) else "pass validation_data to fit"
    return f"validation losses: {how}"


def accuracies(run: Run) -> str:
    if is_torch(run):
        return "a classification whose accuracy is told in watcher.epoch(epoch, accuracy=...)"
    return 'a classification compiled with metrics=["accuracy"]'

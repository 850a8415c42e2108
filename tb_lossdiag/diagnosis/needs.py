"""What would a check that was not run have needed? Told in the terms of the framework that trained the run."""

from tb_lossdiag.diagnosis.framework import Framework, Words, framework_of, spoken
from tb_lossdiag.run import Run

VALIDATION = Words(
    fit="pass validation_data to fit",
    loop="score rows that were held back at the end of each epoch, and log it as val_loss",
    torch="tell them in watcher.epoch(epoch, val_loss=...)",
    neutral="log val_loss for every epoch",
)
ACCURACIES = Words(
    fit='a classification compiled with metrics=["accuracy"]',
    loop="a classification whose accuracy is logged for every epoch",
    torch="a classification whose accuracy is told in watcher.epoch(epoch, accuracy=...)",
    neutral="a classification whose accuracy is logged for every epoch",
)


def recorded(what: str, run: Run) -> str:
    """What only a recording has, and how it is made; of a recording that was made, that it has none."""
    framework = framework_of(run)
    if run.source == "recorded" and run.card is not None and framework is not Framework.UNKNOWN and _was_sampled(run):
        return f"{what}: this recording has none{_because(run)}"
    if framework is Framework.TORCH_LOOP:
        return f"{what}: record with tb_lossdiag.torch.watch(model, optimizer, log_dir, loss=criterion)"
    if framework is Framework.KERAS_FIT:
        return f"{what}: add the LossDiagnostics callback"
    if framework is Framework.KERAS_LOOP:
        return f"{what}: record with tb_lossdiag.TrainingMonitor(model, optimizer, log_dir)"
    return f"{what}: record with tb_lossdiag, by LossDiagnostics in Keras or tb_lossdiag.torch.watch in PyTorch"


def validation_losses(run: Run) -> str:
    return f"validation losses: {spoken(VALIDATION, run)}"


def accuracies(run: Run) -> str:
    return spoken(ACCURACIES, run)


def _was_sampled(run: Run) -> bool:
    """Whether a step was looked into, so that whoever recorded it had done what there is to do."""
    return any(table is not None and len(table.steps) for table in (run.layers, run.data))


def _because(run: Run) -> str:
    """Why the recording could not have it, where it says so."""
    reason = run.card.settings.get("not_measured")
    return f", because {reason}" if isinstance(reason, str) and reason else ""

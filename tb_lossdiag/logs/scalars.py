"""What can be told from plain scalars? A log of Keras's own callback, PyTorch, Lightning or Hugging Face as a Run."""

from dataclasses import replace

import numpy as np

from tb_lossdiag.logs.clock import counts_epochs, place, undo_running_mean
from tb_lossdiag.logs.experiments import Experiment
from tb_lossdiag.logs.roles import Role, role_of
from tb_lossdiag.logs.source import Log, Samples, newest_wall_time
from tb_lossdiag.logs.steps import possible
from tb_lossdiag.run import Run, Series

PER_STEP = ("learning_rate", "gradient_norm")  # quantities that belong to a step wherever steps are known
KERAS_MARK = "epoch_loss"  # the tag that Keras's TensorBoard callback writes into each of its runs

Found = dict[Role, Samples]


def read_scalars(log: Log, experiment: Experiment, clock: Samples | None = None) -> Run:
    """The Run that the plain scalars of an experiment tell; empty `steps` and `epochs` when none has a known role.

    clock: recorded steps with their wall times, to place epoch values on; without it the log's own batch losses serve.
    Restarts are repaired but not reported: TensorBoard's Rust data server has dropped every trace of them.
    """
    found, skipped = _find(log, experiment)
    steps = _step_samples(found)
    epochs = _epoch_samples(found)
    if "loss" in steps and epochs and steps["loss"] is epochs.get("loss"):
        del steps["loss"]
    clock = clock or steps.get("loss")
    unit = "step"
    if epochs and all(counts_epochs(samples) for samples in epochs.values()):
        if clock is not None and len(clock):
            epochs = {name: place(samples, clock) for name, samples in epochs.items()}
            steps = {name: epochs.pop(name) for name in PER_STEP if name in epochs} | steps
        else:
            unit = "epoch"
            epochs = steps | epochs
            steps = {}
    return Run(
        name=experiment.name,
        steps=_series(steps),
        epochs=_series(epochs),
        skipped=tuple(skipped),
        source="scalars",
        step_unit=unit,
        wall_time=newest_wall_time(wall for samples in found.values() for wall in samples.walls),
    )


def _find(log: Log, experiment: Experiment) -> tuple[Found, list[str]]:
    """The best tag for each role, read. Between equals the fewest unexplained words win, then the run, then the tag."""
    splits = {run: "validation" if role == "validation" else "train" for role, run in experiment.runs.items()}
    tags = log.scalar_tags(splits)
    candidates: dict[Role, list[tuple[int, str, str]]] = {}
    for run in sorted(tags):
        for tag in sorted(tags[run]):
            role = role_of(tag, splits[run], keras=KERAS_MARK in tags[run])
            if role is not None:
                candidates.setdefault(replace(role, strangers=0), []).append((role.strangers, run, tag))
    found: Found = {}
    damages = {run: log.damage(run) for run in splits if run in tags}
    skipped = [note for damage in damages.values() for note in damage.notes]
    for role, places in candidates.items():
        _, run, tag = min(places)
        try:
            samples = log.read_scalars(run, tag, damages[run].lost.get(tag, frozenset()))
        except Exception as error:  # a hostile tag must not take the others down
            skipped.append(f"scalar {tag!r} of run {run!r} could not be read: {error}")
            continue
        found[role], others = possible(samples)
        skipped += [f"scalar {tag!r} of run {run!r}: {others}"] if others else []
    return found, skipped


def _step_samples(found: Found) -> dict[str, Samples]:
    """Per-step samples by name. A running mean counts only where it can be undone."""
    steps: dict[str, Samples] = {}
    for name in ("loss", *PER_STEP):
        for grain in ("step", ""):
            samples = found.get(Role(name, "train", grain))
            if samples is not None:
                steps.setdefault(name, samples)
    mean, epochs = found.get(Role("loss", "train", "running_mean")), found.get(Role("loss", "train", "epoch_number"))
    if mean is not None and epochs is not None:
        loss = undo_running_mean(mean, epochs)
        if loss is not None:
            steps["loss"] = loss
    return steps


def _epoch_samples(found: Found) -> dict[str, Samples]:
    """Per-epoch samples by Keras name: "loss", "val_loss", "val_accuracy", …

    A training tag that does not say per step or per epoch is per epoch where validation has the same steps.
    """
    keras = any(role.grain == "epoch_number" for role in found)
    epochs: dict[str, Samples] = {}
    for quantity in sorted({role.quantity for role in found}):
        if keras:
            train, validation = (found.get(Role(quantity, split, "epoch_number")) for split in ("train", "validation"))
        else:
            validation = found.get(Role(quantity, "validation", "epoch"), found.get(Role(quantity, "validation", "")))
            train = found.get(Role(quantity, "train", "epoch"))
            unsaid = found.get(Role(quantity, "train", ""))
            if train is None and unsaid is not None and validation is not None:
                train = unsaid if np.array_equal(unsaid.steps, validation.steps) else None
        epochs |= {quantity: train} if train is not None else {}
        epochs |= {f"val_{quantity}": validation} if validation is not None else {}
    return epochs


def _series(samples: dict[str, Samples]) -> dict[str, Series]:
    return {
        name: Series(samples[name].steps, np.asarray(samples[name].values, np.float64), len(samples[name]))
        for name in sorted(samples)
        if len(samples[name])
    }

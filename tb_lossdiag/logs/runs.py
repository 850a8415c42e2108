"""Which trainings does a log hold, and what does one say? The two questions asked of logs/."""

from dataclasses import replace

from tb_lossdiag.logs.experiments import Experiment, group, possible_runs
from tb_lossdiag.logs.recorded import read_recorded
from tb_lossdiag.logs.scalars import read_scalars
from tb_lossdiag.logs.source import Log
from tb_lossdiag.run import Run


def list_experiments(log: Log, name: str | None = None) -> dict[str, Experiment]:
    """{name: Experiment} of every training with recorded data or plain scalars, or of the named one only.

    Cheap: the data itself is not read.
    """
    runs = None if name is None else possible_runs(name)
    listings = (log.recorded_tags(runs), log.scalar_tags(runs))
    experiments = group({run for listing in listings for run in listing})
    if name is not None:
        experiments = {name: experiments[name]} if name in experiments else {}
    return {found.name: replace(found, stamp=_stamp(found, listings)) for found in experiments.values()}


def read_run(log: Log, experiment: Experiment) -> Run:
    """The experiment as a Run: what we recorded, with Keras's or the user's own scalars where our log has nothing.

    Raises schema.NewerFormat when a later tb_lossdiag recorded it.
    """
    recorded_run = _recorded_run(log, experiment)
    if recorded_run is None:
        return read_scalars(log, experiment)
    recorded, clock = read_recorded(log, recorded_run, experiment.name)
    plain = read_scalars(log, experiment, clock)
    skipped = tuple(dict.fromkeys(recorded.skipped + plain.skipped))
    if not recorded.steps and not recorded.epochs:
        return replace(recorded, steps=plain.steps, epochs=plain.epochs, step_unit=plain.step_unit, skipped=skipped)
    return replace(recorded, epochs={**plain.epochs, **recorded.epochs}, skipped=skipped)


def _recorded_run(log: Log, experiment: Experiment) -> str | None:
    """The run that holds our tags: <experiment>/diagnostics, or "." when TensorBoard was pointed at just that."""
    tags = log.recorded_tags(experiment.runs.values())
    return next((experiment.runs[role] for role in ("diagnostics", "own") if experiment.runs.get(role) in tags), None)


def _stamp(experiment: Experiment, listings: tuple[dict, ...]) -> tuple:
    return tuple(
        (run, tag, series.max_step, repr(series.max_wall_time))  # NaN differs from itself, its text does not
        for run in sorted(experiment.runs.values())
        for listing in listings
        for tag, series in sorted(listing.get(run, {}).items())
    )

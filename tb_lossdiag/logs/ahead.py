"""Asks TensorBoard about many runs in few questions, so that reading a thousand runs takes no thousandfold wait.

A question to TensorBoard's data server takes 44 ms however little it answers (its socket waits for an acknowledgement
that Linux delays), and its Python loader looks through the tags of all runs whenever more than one tag is asked for.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from tensorboard.data.provider import DataProvider, RunTagFilter

from tb_lossdiag import schema
from tb_lossdiag.logs.bounded import bounded
from tb_lossdiag.logs.experiments import Experiment
from tb_lossdiag.logs.roles import role_of
from tb_lossdiag.logs.source import MAX_RECORDS, SCALARS, Log

ANSWER_BYTES = 16 << 20  # of one answer: far below the 256 MiB that TensorBoard's connection takes
LIGHT_BYTES = 1 << 10  # a record up to this size is one of many (each step's numbers), a larger one of few
SCALAR_BYTES = 24  # a point: step, wall time, value


@dataclass(frozen=True)
class Known:
    """What a Log asks of a data provider, answered from what was asked before; anything else is asked anew.

    tags: plugin name -> {run: {tag: time series}}, of all runs that may be asked about.
    records: (plugin name, run, tag) -> every record there is.
    """

    provider: DataProvider
    tags: Mapping[str, Mapping[str, Mapping[str, Any]]]
    records: Mapping[tuple[str, str, str], list] = field(default_factory=dict)

    def list_tensors(self, context, *, experiment_id, plugin_name, run_tag_filter):
        return self._listed(plugin_name, run_tag_filter)

    def list_scalars(self, context, *, experiment_id, plugin_name, run_tag_filter):
        return self._listed(plugin_name, run_tag_filter)

    def read_tensors(self, context, *, plugin_name, downsample, run_tag_filter, **of):
        found = self._read(plugin_name, downsample, run_tag_filter)
        asked = {"plugin_name": plugin_name, "downsample": downsample, "run_tag_filter": run_tag_filter, **of}
        return self.provider.read_tensors(context, **asked) if found is None else found

    def read_scalars(self, context, *, plugin_name, downsample, run_tag_filter, **of):
        found = self._read(plugin_name, downsample, run_tag_filter)
        asked = {"plugin_name": plugin_name, "downsample": downsample, "run_tag_filter": run_tag_filter, **of}
        return self.provider.read_scalars(context, **asked) if found is None else found

    def _listed(self, plugin_name: str, wanted: RunTagFilter) -> dict[str, dict[str, Any]]:
        known = self.tags[plugin_name]
        runs = known if wanted.runs is None else [run for run in wanted.runs if run in known]
        return {run: dict(known[run]) for run in runs}

    def _read(self, plugin_name: str, downsample: int, wanted: RunTagFilter) -> dict[str, dict[str, list]] | None:
        """One tag's records as the provider would answer them, None when they are not known."""
        if wanted.runs is None or wanted.tags is None or len(wanted.runs) + len(wanted.tags) != 2:
            return None
        (run,), (tag,) = wanted.runs, wanted.tags
        records = self.records.get((plugin_name, run, tag))
        if records is None or 1 < downsample < len(records):
            return None
        return {run: {tag: records if downsample >= len(records) else records[-1:]}}


def listed(log: Log, runs: Iterable[str] | None = None) -> Log:
    """The log with its tags, or those of the named runs, as they are now; nothing will be asked about others."""
    tags = {schema.PLUGIN_NAME: log.recorded_tags(runs), SCALARS: log.scalar_tags(runs)}
    return replace(log, provider=Known(bounded(log.provider), tags))


def read_ahead(log: Log, experiments: Collection[Experiment]) -> Log:
    """A listed log with the records of these experiments at hand, as far as they are not too many.

    A record that TensorBoard cannot decode ends its whole answer: then half of the experiments are asked about at a
    time, and one alone is left to be read tag by tag.
    """
    known = log.provider
    runs = [run for experiment in experiments for run in experiment.runs.values()]
    source = replace(log, provider=known.provider)
    try:
        return replace(log, provider=replace(known, records=known.records | _records(source, known.tags, runs)))
    except Exception:
        if len(experiments) < 2:
            return log
        each = list(experiments)
        half = len(each) // 2
        return read_ahead(read_ahead(log, each[:half]), each[half:])


def _records(log: Log, tags: Mapping[str, Mapping], runs: list[str]) -> dict[tuple[str, str, str], list]:
    recorded = {run: set(tags[schema.PLUGIN_NAME].get(run, ())) for run in runs}
    plain = {run: {tag for tag in tags[SCALARS].get(run, ()) if _has_role(tag)} for run in runs}
    found = _scalars(log, plain)
    newest = _asked(log, log.provider.read_tensors, schema.PLUGIN_NAME, recorded, 1)
    sizes = {key: _bytes(data[-1].numpy) for key, data in newest.items() if data}
    heavy = {tag for (_, _, tag), size in sizes.items() if size > LIGHT_BYTES}
    for kind in (heavy, {tag for _, _, tag in sizes} - heavy):
        chosen = {run: known & kind for run, known in recorded.items()}
        size = sum(size for (_, _, tag), size in sizes.items() if tag in kind)
        found |= _complete(log, log.provider.read_tensors, schema.PLUGIN_NAME, chosen, size)
    return found


def _scalars(log: Log, tags: dict[str, set[str]]) -> dict[tuple[str, str, str], list]:
    return _complete(log, log.provider.read_scalars, SCALARS, tags, SCALAR_BYTES * sum(map(len, tags.values())))


def _complete(log: Log, read: Callable, plugin_name: str, tags: dict[str, set[str]], size: int) -> dict:
    """The series that have no more records than an answer can hold. size: bytes of one record of each."""
    most = min(MAX_RECORDS, ANSWER_BYTES // size) if size else 0
    if most < 2:
        return {}
    found = _asked(log, read, plugin_name, tags, most)
    return {key: data for key, data in found.items() if len(data) < most}


def _asked(log: Log, read: Callable, plugin_name: str, tags: dict[str, set[str]], most: int) -> dict:
    """{(plugin name, run, tag): at most `most` records}."""
    runs = [run for run, known in tags.items() if known]
    if not runs:
        return {}
    wanted = RunTagFilter(runs=runs, tags=set().union(*tags.values()))
    answer = read(
        log.context, experiment_id=log.experiment, plugin_name=plugin_name, downsample=most, run_tag_filter=wanted
    )
    return {(plugin_name, run, tag): data for run, series in answer.items() for tag, data in series.items()}


def _has_role(tag: str) -> bool:
    """Whether the tag is read in any kind of log; of the others a log may have thousands."""
    return any(role_of(tag, "train", keras) is not None for keras in (False, True))


def _bytes(value: np.ndarray) -> int:
    return max(1, sum(map(len, value.flat)) if value.dtype == object else value.nbytes)

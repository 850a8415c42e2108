"""Diagnoses the runs that nobody waits for, in a thread in the background that leaves time for everything else."""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from itertools import islice

from tensorboard.util import tb_logging

from tb_lossdiag.logs import Log
from tb_lossdiag.logs.ahead import read_ahead
from tb_lossdiag.logs.experiments import Experiment

logger = tb_logging.get_logger()

BATCH = 16  # runs that are read at once: one question to TensorBoard for all of them costs as much as for one
# Seconds of rest per second of work. TensorBoard serves its other tabs from threads of the same process, of which
# Python runs one at a time: with as much rest as work they have at least half of it.
REST = 1.0

Key = tuple[str, str]  # TensorBoard's experiment id and the run's name


class Queue:
    """The runs to be diagnosed, in order. The thread that does so lives while there are any.

    work: diagnoses one run of a listed log. sleep: as time.sleep.
    """

    def __init__(self, work: Callable[[Log, Experiment], None], sleep: Callable[[float], None] = time.sleep) -> None:
        self._work = work
        self._sleep = sleep
        self._changed = threading.Condition()
        self._logs: dict[str, Log] = {}
        self._waiting: dict[Key, Experiment] = {}
        self._thread: threading.Thread | None = None

    def put(self, log: Log, experiments: Iterable[Experiment], first: str | None = None) -> None:
        """Makes these runs the ones of the log that wait. first: the name of the one that comes before the others."""
        named = sorted(experiments, key=lambda experiment: experiment.name != first)
        with self._changed:
            others = {key: waiting for key, waiting in self._waiting.items() if key[0] != log.experiment}
            self._waiting = {(log.experiment, experiment.name): experiment for experiment in named} | others
            self._logs[log.experiment] = log
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="tb_lossdiag", daemon=True)
                self._thread.start()

    def wait(self, log: Log, names: Collection[str], seconds: float | None) -> None:
        """Returns when none of the named runs waits any more, or after so many seconds."""
        keys = [(log.experiment, name) for name in names]
        with self._changed:
            self._changed.wait_for(lambda: self._waiting.keys().isdisjoint(keys), seconds)

    def _serve(self) -> None:
        while batch := self._next():
            (experiment_id, _), _ = batch[0]
            log = self._logs[experiment_id]
            try:
                began = time.monotonic()
                log = read_ahead(log, [experiment for _, experiment in batch])
                self._sleep(REST * (time.monotonic() - began))
                for key, experiment in batch:
                    began = time.monotonic()
                    self._work(log, experiment)
                    self._done(key, experiment)
                    self._sleep(REST * (time.monotonic() - began))
            except Exception:  # the thread must not die: those who wait for its work would wait for ever
                logger.exception("runs could not be diagnosed in the background")
                for key, experiment in batch:
                    self._done(key, experiment)

    def _next(self) -> list[tuple[Key, Experiment]]:
        """The next runs, all of one log; none ends the thread."""
        with self._changed:
            if not self._waiting:
                self._thread = None
                return []
            one = next(iter(self._waiting))[0]
            return list(islice((item for item in self._waiting.items() if item[0][0] == one), BATCH))

    def _done(self, key: Key, experiment: Experiment) -> None:
        with self._changed:
            waiting = self._waiting.get(key)
            if waiting is not None and waiting.stamp == experiment.stamp:  # else it has grown meanwhile
                del self._waiting[key]
                self._changed.notify_all()

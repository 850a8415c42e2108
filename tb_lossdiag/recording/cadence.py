"""Which steps are sampled, and which plain steps keep their loss?

Pure: durations are passed in, no clock is read here.
"""

import math
from collections import deque
from statistics import median

BURST_STEPS = 20  # the start of a training tells the most: initialisation, first updates, first NaN
# What the samples themselves may add once the burst is over. The steps after a sample are slower too: with 0.02 here a
# 230,000-weight MLP paid 3.4 to 4.8 % in all, with 0.01 2.3 to 4.9 %.
EXTRA_TIME_SHARE = 0.005
# Short runs get this many samples all the same, where together they take no longer than this, or no larger share.
AFFORDED_SAMPLES = 16
AFFORDED_SECONDS = 0.25
AFFORDED_TIME_SHARE = 0.01
# Whatever it costs, no run is without samples for longer than a quarter of what has been, up to 4,000 steps; for 1,000
# steps, up to 16,000; and for a sixteenth beyond. These are 18 in the first 4,000 steps, 12 more in the next 12,000 and
# then 10 or 11 each time that the run doubles: where a sample adds as much as half a step, 0.2 % of 4,000 steps.
SPARSEST_EARLY, SPARSEST_STEPS, SPARSEST_LATE = 1 / 4, 1000, 1 / 16
ALARM_EXECUTIONS = 3  # after an accident: what broke, and whether it heals
MAX_LAYER_RECORDS = 2000  # a reader keeps them all: 200 rows are 26 MB
# Of the samples, each tenth has histograms, and fewer once there are many: in a long run they are for its whole course.
COUNTED_INTERVAL, COUNTED_SHARE = 10, 1 / 20
# Where samples lie far apart: of 18 in 4,000 steps some are wanted in each part of the run, with what else is measured
# at this rate.
COUNTED_RARELY = 3
MAX_HISTOGRAM_RECORDS = 200  # of 200 rows 14 MB
MAX_STEP_RECORDS = 10_000  # enough for any screen; the loss between two records is not lost to a reader of epochs
MIN_PLAIN_DURATIONS = 5  # before that, one slow step would set the interval
MIN_INTERVAL = 10  # the cheapest sampled step took 1.1 times a plain one; timing noise must not sample more than this
RECENT_DURATIONS = 9  # a median over these follows a machine that gets slower or faster
# Where all workers have to sample the same steps no duration can be asked. At one step in a hundred samples added 0 to
# 5.5 % (benchmarks/overhead.md), most to a step of 2 ms; one in which workers meet takes longer. Before that many steps
# are taken, the interval is the longest that a run may have.
SHARED_INTERVAL = 100


class Cadence:
    """Decides step by step, in increasing order, what to record.

    every: "auto", or an int: a sample at the first step, then at each multiple of it. total: steps planned, None when
    unknown; the last of them is sampled. first: number of the first step. Raises ValueError or TypeError for another
    `every`.
    before: of the same training in an earlier fit. "auto" knows from it what steps cost, samples no second beginning,
    and an end, which others may follow, only where one is nearly due. goes_on: whether the records are added to those
    of that fit; else the first step is sampled.
    """

    def __init__(
        self,
        every: int | str = "auto",
        total: int | None = None,
        first: int = 1,
        before: "Cadence | None" = None,
        goes_on: bool = False,
    ) -> None:
        self.every = checked_every(every)
        self.total = total
        self.first = first
        self.samples = 0
        self._last_sample = 0
        self._wait = self._width = 1
        self._alarmed = 0
        self._histograms = self._last_counted = 0
        self._timed_samples = self._timed_plain = 0
        self._sampled_seconds = 0.0
        self._plain: deque[float] = deque(maxlen=RECENT_DURATIONS)
        self._sampled: deque[float] = deque(maxlen=RECENT_DURATIONS)
        self._follows = before is not None and self.every == before.every == "auto"
        self._trained = self._earlier = 0  # steps of earlier fits, and of those in the same file
        if self._follows:
            self._trained = before._trained + self.first - before.first
            self._plain, self._sampled = before._plain.copy(), before._sampled.copy()
            if goes_on:
                self._go_on(before)

    def _go_on(self, before: "Cadence") -> None:
        self.samples, self._histograms, self._last_counted = before.samples, before._histograms, before._last_counted
        self._timed_samples, self._timed_plain = before._timed_samples, before._timed_plain
        self._sampled_seconds = before._sampled_seconds
        self._earlier = before._earlier + self.first - before.first
        self._last_sample = before._last_sample + before.first - self.first

    def is_sampled(self, step: int, width: int = 1) -> bool:
        """Whether the execution of `width` steps that ends with `step` is to be sampled."""
        self._width = width
        done = step - self.first + 1
        if self._alarmed and self.samples < MAX_LAYER_RECORDS - 1:
            self._alarmed -= 1
            return True
        if self._earlier == 0 and done <= width:
            return True
        if done == self.total and not self._follows:
            return True
        if self.every != "auto":
            return step // self.every > (step - width) // self.every
        if self.samples >= MAX_LAYER_RECORDS - 1:  # one is kept for the last planned step
            return False
        if self._trained + done <= BURST_STEPS:
            return True
        if done == self.total:
            return done - self._last_sample >= self.interval(done) / 2
        if done - self._last_sample < self._wait:  # medians are not for every step
            return False
        self._wait = self.interval(done)
        return done - self._last_sample >= self._wait

    def alarm(self) -> None:
        """Something broke: the next executions are all sampled."""
        self._alarmed = ALARM_EXECUTIONS

    def counts(self, step: int) -> bool:
        """Whether the sample that `step` is to be has histograms: the first, the last, some between, and the first
        after an accident.
        """
        last = self.total is not None and step - self.first + 1 == self.total and not self._follows
        if self._histograms >= MAX_HISTOGRAM_RECORDS - (not last):  # one is kept for the last planned step
            return False
        waited = self.samples - self._last_counted
        is_sparse = self.every == "auto" and self._trained + step - self.first >= BURST_STEPS
        due = waited >= max(COUNTED_RARELY if is_sparse else COUNTED_INTERVAL, self.samples * COUNTED_SHARE)
        if not (due or last or self._histograms == 0 or self._alarmed == ALARM_EXECUTIONS - 1):
            return False
        self._histograms += 1
        self._last_counted = self.samples
        return True

    def keeps_loss(self, step: int) -> bool:
        """Whether a plain step's loss is to be written; about MAX_STEP_RECORDS of a run are."""
        done, total = self._earlier + step - self.first + 1, None if self._follows else self.total
        stride = math.ceil(total / MAX_STEP_RECORDS) if total else max(1, done * 10 // MAX_STEP_RECORDS)
        return done % stride == 0

    def took(self, step: int, sampled: bool, seconds: float | None) -> None:
        """Tells that an execution ended with a step and how long it took; None for one that was traced meanwhile."""
        if sampled:
            self.samples += 1
            self._last_sample = step - self.first + 1
            self._wait = 1
        if seconds is not None:
            (self._sampled if sampled else self._plain).append(seconds)
            self._timed_samples += sampled
            self._timed_plain += not sampled
            self._sampled_seconds += seconds if sampled else 0.0

    def added_share(self) -> float | None:
        """Of the time that steps would have taken plainly, what samples have added; None where too few were timed."""
        if len(self._plain) < MIN_PLAIN_DURATIONS or not self._timed_samples:
            return None
        plain = median(self._plain)
        whole = plain * (self._timed_samples + self._timed_plain)
        return max(0.0, self._sampled_seconds - plain * self._timed_samples) / whole if whole > 0 else None

    def interval(self, done: int) -> int:
        """Steps between two samples after the burst."""
        total, recorded = (None, self._earlier + done) if self._follows else (self.total, done)
        roomy = math.ceil(total / MAX_LAYER_RECORDS) if total else _roomy(recorded)
        return max(MIN_INTERVAL, min(max(roomy, self._affordable(done)), _sparsest(self._trained + done)))

    def _affordable(self, done: int) -> float:
        """By what samples and plain steps have taken; no limit while too few plain steps were timed."""
        if len(self._plain) < MIN_PLAIN_DURATIONS or not self._sampled:
            return math.inf
        plain = median(self._plain)
        if plain <= 0:
            return 1
        extra = max(0.0, median(self._sampled) - plain)
        by_time = extra / plain * self._width
        spread = (self.total if self.total and not self._follows else self._trained + done) // AFFORDED_SAMPLES
        few = max(spread, by_time / AFFORDED_TIME_SHARE)
        is_short = extra * max(AFFORDED_SAMPLES, self.samples - BURST_STEPS) <= AFFORDED_SECONDS
        if is_short and not self._follows:
            few = spread
        return math.ceil(min(by_time / EXTRA_TIME_SHARE, few))


class SharedCadence:
    """Decides call by call which executions all workers of a training sample; each of them asks one of its own.

    They agree without a word, for the answer depends only on how often it was asked: not on durations, losses or
    failures, which differ from worker to worker, nor on a message, which would be one more collective to wait in.

    every: "auto" samples the first calls, some soon after, then each SHARED_INTERVAL-th, and fewer once
    MAX_LAYER_RECORDS is in sight; an int the first call and each multiple of it.
    """

    def __init__(self, every: int | str = "auto") -> None:
        self.every = checked_every(every)
        self._calls = 0
        self._last_sample = 0

    def next_is_sampled(self) -> bool:
        self._calls += 1
        if self._calls == 1 or self._is_due(self._calls):
            self._last_sample = self._calls
            return True
        return False

    def _is_due(self, call: int) -> bool:
        if self.every != "auto":
            return call % self.every == 0
        interval = max(MIN_INTERVAL, min(max(SHARED_INTERVAL, _roomy(call)), _sparsest(call)))
        return call <= BURST_STEPS or call - self._last_sample >= interval


def _sparsest(done: int) -> int:
    """The longest interval between two samples that a run may have after so many steps."""
    return int(min(done * SPARSEST_EARLY, max(SPARSEST_STEPS, done * SPARSEST_LATE)))


def _roomy(done: int) -> int:
    """An interval that grows with a run of unknown length, so that even 10**9 steps stay below the ceiling."""
    return math.ceil(done * 20 / MAX_LAYER_RECORDS)


def checked_every(every: int | str) -> int | str:
    """`every` itself. Raises TypeError or ValueError when it is neither "auto" nor a positive int."""
    if isinstance(every, str):
        if every != "auto":
            raise ValueError(f'every={every!r}: expected "auto" or a positive int')
    elif isinstance(every, bool) or not isinstance(every, int):
        raise TypeError(f'every={every!r}: expected "auto" or a positive int, got {type(every).__name__}')
    elif every < 1:
        raise ValueError(f'every={every}: expected "auto" or a positive int')
    return every

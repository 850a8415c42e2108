"""Cadence: a burst, then as sparse as its share of the time demands, and never more than 2,000 samples."""

import math

import numpy as np
import pytest

from tb_lossdiag.recording.cadence import (
    AFFORDED_SAMPLES,
    AFFORDED_SECONDS,
    AFFORDED_TIME_SHARE,
    BURST_STEPS,
    COUNTED_INTERVAL,
    EXTRA_TIME_SHARE,
    MAX_HISTOGRAM_RECORDS,
    MAX_LAYER_RECORDS,
    MAX_STEP_RECORDS,
    MIN_INTERVAL,
    SHARED_INTERVAL,
    SPARSEST_STEPS,
    Cadence,
    SharedCadence,
)


def played(cadence: Cadence, steps: int, plain: float = 1.0, sampled: float = 1.5) -> list[int]:
    """The steps that are sampled in a training whose steps take these seconds."""
    taken = []
    for step in range(cadence.first, cadence.first + steps):
        chosen = cadence.is_sampled(step)
        taken += [step] if chosen else []
        cadence.took(step, chosen, sampled if chosen else plain)
    return taken


def most_sparsely(steps: int) -> int:
    """How many samples a run has after the burst, however much they cost."""
    return len([step for step in played(Cadence("auto", None), steps, 1.0, 1e9) if step > BURST_STEPS])


def test_the_first_twenty_steps_are_all_sampled():
    assert played(Cadence("auto", 1000), 1000)[:BURST_STEPS] == list(range(1, BURST_STEPS + 1))


@pytest.mark.parametrize("sampled", [1.01, 1.5, 4.0, 40.0])
def test_after_the_burst_the_samples_add_at_most_their_share(sampled):
    steps = 80_000
    taken = [step for step in played(Cadence("auto", steps), steps, 1.0, sampled) if step > BURST_STEPS]
    few = AFFORDED_SAMPLES + most_sparsely(steps) + 1
    assert (len(taken) - few) * (sampled - 1.0) <= EXTRA_TIME_SHARE * steps
    assert len(taken) > 5


@pytest.mark.parametrize("total", ["known", "unknown"])
@pytest.mark.parametrize("seconds", [(0.0002, 0.0152), (0.001, 0.004), (10.0, 15.0), (0.001, 1e9), (None, None)])
def test_no_run_is_without_samples_for_long_whatever_they_cost(total, seconds):
    steps = 60_000
    taken = np.array(played(Cadence("auto", steps if total == "known" else None), steps, *seconds))
    pauses, at = np.diff(taken), taken[1:]
    assert (pauses[at <= 16 * SPARSEST_STEPS] <= SPARSEST_STEPS).all()
    assert (pauses <= np.maximum(MIN_INTERVAL, at / 4 + 1)).all()
    assert (pauses[at > 16 * SPARSEST_STEPS] <= at[at > 16 * SPARSEST_STEPS] / 16 + 1).all()


@pytest.mark.parametrize(("plain", "sampled"), [(0.0002, 0.001), (0.001, 0.004), (0.05, 0.055), (10.0, 12.0)])
@pytest.mark.parametrize("steps", [300, 360, 1_000, 4_000])
@pytest.mark.parametrize("total", ["known", "unknown"])
def test_a_short_run_has_samples_spread_over_its_later_course(plain, sampled, steps, total):
    taken = np.array(played(Cadence("auto", steps if total == "known" else None), steps, plain, sampled))
    assert (taken > BURST_STEPS).sum() >= AFFORDED_SAMPLES - 2
    for first, last in ((0.25, 0.5), (0.5, 0.75), (0.75, 1.0)):
        assert ((taken > first * steps) & (taken <= last * steps)).sum() >= 3


def test_samples_that_no_duration_allows_cost_a_few_thousandths_of_4000_steps():
    assert most_sparsely(4_000) * 0.5 < 0.003 * 4_000
    assert most_sparsely(16_000) * 0.5 < 0.001 * 16_000


def test_a_sample_that_seems_to_cost_nothing_is_taken_every_tenth_step_within_the_ceiling():
    after_burst = [step for step in played(Cadence("auto", 300), 299, 1.0, 1.0) if step > 40]
    assert set(np.diff(after_burst)) == {MIN_INTERVAL}
    assert len(played(Cadence("auto", 50_000), 50_000, 1.0, 1.0)) <= MAX_LAYER_RECORDS


def test_a_short_run_gets_some_samples_where_they_cost_next_to_nothing():
    short = played(Cadence("auto", 480), 480, plain=0.001, sampled=0.004)
    assert len([step for step in short if step > BURST_STEPS]) >= AFFORDED_SAMPLES - 2
    costly = played(Cadence("auto", 480), 480, plain=0.1, sampled=0.4)
    assert [step for step in costly if step > 40] == [53, 70, 93, 123, 163, 217, 289, 385, 480]


def test_in_a_long_run_those_few_samples_do_not_count():
    steps = 200_000
    taken = played(Cadence("auto", steps), steps, plain=0.001, sampled=0.004)
    few = BURST_STEPS + 1 + most_sparsely(steps)
    assert (len(taken) - few) * 0.003 <= EXTRA_TIME_SHARE * steps * 0.001


@pytest.mark.parametrize("steps", [500, 4_000, 30_000])
def test_in_a_run_of_unknown_length_they_cost_no_more_however_long_it_gets(steps):
    taken = played(Cadence("auto", None), steps, plain=0.0024, sampled=0.01)
    extra = 0.0076 * len([step for step in taken if step > BURST_STEPS])
    assert extra <= AFFORDED_SECONDS + max(AFFORDED_TIME_SHARE, EXTRA_TIME_SHARE) * steps * 0.0024 + 0.0076


def test_without_a_known_total_the_ceiling_holds_all_the_same():
    assert len(played(Cadence("auto", None), 200_000, 1.0, 1.0)) <= MAX_LAYER_RECORDS


def test_the_last_planned_step_is_sampled():
    assert played(Cadence("auto", 777), 777)[-1] == 777
    assert played(Cadence(10, 777), 777)[-1] == 777


def test_a_fixed_interval_samples_the_first_step_and_every_multiple():
    assert played(Cadence(10, None), 35) == [1, 10, 20, 30]


def test_a_continued_training_counts_its_burst_from_where_it_starts():
    assert played(Cadence("auto", 500, first=1001), 30)[:3] == [1001, 1002, 1003]


def test_an_execution_of_several_steps_is_sampled_when_a_multiple_lies_in_it():
    cadence = Cadence(10, None)
    taken = []
    for step in range(4, 41, 4):
        chosen = cadence.is_sampled(step, width=4)
        taken += [step] if chosen else []
        cadence.took(step, chosen, None)
    assert taken == [4, 12, 20, 32, 40]


def test_executions_of_several_steps_pay_no_larger_share():
    cadence, width, taken = Cadence("auto", 80_000), 8, 0
    for step in range(width, 80_001, width):
        chosen = cadence.is_sampled(step, width)
        taken += chosen and step > BURST_STEPS
        cadence.took(step, chosen, 12.0 if chosen else 8.0)
    few = AFFORDED_SAMPLES + most_sparsely(80_000) + 1
    assert taken > 5 and (taken - few) * 4.0 <= EXTRA_TIME_SHARE * 80_000


def test_steps_that_were_traced_do_not_count_as_slow():
    cadence = Cadence("auto", 100_000)
    for step in range(1, 200):
        cadence.took(step, step <= BURST_STEPS, None if step in (1, BURST_STEPS + 1) else 1.0)
    assert cadence.interval(200) == math.ceil(100_000 / MAX_LAYER_RECORDS)


def test_what_samples_have_added_is_a_share_of_the_plain_time():
    cadence = Cadence(10, 1000)
    for step in range(1, 101):
        sampled = cadence.is_sampled(step)
        cadence.took(step, sampled, None if step == 1 else 3.0 if sampled else 2.0)
    assert cadence.added_share() == pytest.approx(10 * 1.0 / (99 * 2.0))
    assert Cadence().added_share() is None


def test_before_plain_steps_were_timed_samples_are_as_sparse_as_they_may_be():
    cadence = Cadence("auto", 1000)
    cadence.took(1, True, 3.0)
    assert cadence.interval(21) == MIN_INTERVAL
    assert cadence.interval(400) == 100


def test_losses_of_plain_steps_are_thinned_to_about_ten_thousand():
    known = Cadence("auto", 95_000)
    assert sum(map(known.keeps_loss, range(1, 95_001))) == 9500
    unknown = Cadence("auto", None)
    assert all(map(unknown.keeps_loss, range(1, 1001)))
    assert sum(map(unknown.keeps_loss, range(1, 1_000_001))) < MAX_STEP_RECORDS


@pytest.mark.parametrize(
    ("every", "error"),
    [(0, ValueError), (-3, ValueError), ("often", ValueError), (2.5, TypeError), (True, TypeError), (None, TypeError)],
)
def test_a_wrong_interval_is_refused_by_name_and_value(every, error):
    with pytest.raises(error, match=r'every=.*expected "auto" or a positive int'):
        Cadence(every, 100)


def shared(every: int | str, calls: int) -> list[int]:
    cadence = SharedCadence(every)
    return [call for call in range(1, calls + 1) if cadence.next_is_sampled()]


def test_workers_agree_on_the_first_twenty_steps_some_more_and_then_one_in_a_hundred():
    soon = [30, 40, 53, 70, 93, 123, 163, 217, 289]
    assert shared("auto", 500) == [*range(1, BURST_STEPS + 1), *soon, 289 + 96, 289 + 96 + SHARED_INTERVAL]
    assert shared(7, 30) == [1, 7, 14, 21, 28]


def test_workers_stay_below_the_ceiling_however_long_they_train():
    assert MAX_LAYER_RECORDS / 4 < len(shared("auto", 3_000_000)) < MAX_LAYER_RECORDS


def counted(cadence: Cadence, steps: int) -> list[int]:
    """The steps whose sample has histograms."""
    found = []
    for step in range(1, steps + 1):
        sampled = cadence.is_sampled(step)
        if sampled and cadence.counts(step):
            found.append(step)
        cadence.took(step, sampled, 1.0)
    return found


def test_the_first_each_tenth_and_the_last_sample_have_histograms():
    assert counted(Cadence(3, 100), 100) == [1, 30, 60, 90, 100]
    assert np.diff(counted(Cadence(1), 100)).tolist() == [COUNTED_INTERVAL] * 9


def test_in_a_long_run_histograms_come_in_ever_longer_intervals_and_below_a_ceiling():
    steps = 100_000
    found = counted(Cadence(1, steps), steps)
    assert found[-1] == steps and found[-2] > 0.9 * steps
    assert 100 < len(found) <= MAX_HISTOGRAM_RECORDS


def test_the_ceiling_holds_whatever_happens_and_one_record_is_kept_for_the_last_step():
    cadence, found = Cadence(1, 1000), []
    for step in range(1, 1001):
        cadence.alarm()
        if cadence.is_sampled(step) and cadence.counts(step):
            found.append(step)
        cadence.took(step, True, 1.0)
    assert len(found) == MAX_HISTOGRAM_RECORDS and found[-1] == 1000


def test_the_first_sample_after_an_accident_has_histograms():
    cadence = Cadence(100)
    counted(cadence, 103)
    cadence.alarm()
    assert [step for step in (104, 105, 106) if cadence.is_sampled(step) and cadence.counts(step)] == [104]

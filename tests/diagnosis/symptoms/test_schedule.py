from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.schedule import ENDED, PLAN_SHARE, RISE, ZERO_SHARE, check
from tb_lossdiag.run import Event, Run

STEPS = s.STEPS
PROGRESS = STEPS / 400
COSINE = (1 + np.cos(np.pi * PROGRESS)) / 2


def rated(rates, loss=None, plan=(40, 10), events=(), every=1):
    """A run with these learning rates, every so many of them recorded; plan: steps per epoch and epochs."""
    rates = np.asarray(rates, float)
    steps = np.arange(1, len(rates) + 1)
    loss = s.falling()[: len(rates)] if loss is None else loss
    known = {"loss": s.series(loss, steps), "learning_rate": s.series(rates[::every], steps[::every])}
    return Run("rated", s.card(steps_per_epoch=plan[0], epochs=plan[1]), known, events=tuple(events))


def until(share, value):
    """A rate of 0.1 for this share of the training, then `value`."""
    return np.where(share >= PROGRESS, 0.1, value)


@pytest.mark.parametrize(("share", "fault"), [(1 - ZERO_SHARE - 0.01, "zero"), (1 - ZERO_SHARE + 0.01, "none")])
@pytest.mark.parametrize("every", [1, 5])
def test_a_rate_of_zero_for_a_fifth_of_the_plan_is_found(share, fault, every):
    found = check(rated(until(share, 0.0), every=every))
    assert found.sign("fault") == fault and found.state == ("found" if fault == "zero" else "not_found")
    if fault == "zero":
        assert found.onset == found.sign("at") == pytest.approx(share * 400 + 1, abs=every)


def test_a_rate_that_was_always_zero_needs_no_plan_to_be_through():
    assert check(rated(np.zeros(40), plan=(400, 100))).sign("fault") == "zero"


@pytest.mark.parametrize(("share", "value", "fault"), [
    (PLAN_SHARE - 0.05, 0.1 * ENDED, "ended_early"), (PLAN_SHARE + 0.01, 0.1 * ENDED, "none"),
    (0.3, 0.1 * ENDED * 1.1, "none"),
])  # fmt: skip
def test_a_schedule_ends_early_before_most_of_the_plan_is_done(share, value, fault):
    found = check(rated(until(share, value), loss=np.linspace(3, 1, 400)))
    assert (found.sign("fault") == "ended_early") == (fault == "ended_early")
    if found.found:
        assert found.onset == round(share * 400) + 1 and found.evidence[0].value == pytest.approx(ENDED)


def test_a_smooth_decay_that_is_through_at_half_time_ends_early():
    rates = 0.1 * np.maximum((1 + np.cos(np.pi * np.minimum(PROGRESS * 2, 1))) / 2, 1e-6)
    found = check(rated(rates))
    assert found.sign("fault") == "ended_early" and 180 <= found.onset <= 200


@pytest.mark.parametrize("plan", [(40, 10), (None, None)])
@pytest.mark.parametrize("rates", {
    "constant": np.ones(400), "cosine": COSINE, "linear": 1 - PROGRESS,
    "warm-up": np.minimum(PROGRESS * 10, COSINE),
    "a hundredth at 90 %": 0.01 ** (PROGRESS / 0.9),
    "steps at 30, 60 and 80 epochs of 90": 0.1 ** np.searchsorted([0.33, 0.66, 0.88], PROGRESS),
    "steps at 80, 120, 160 and 180 epochs of 200": 0.1 ** np.searchsorted([0.4, 0.6, 0.801], PROGRESS),
    "restarts": (1 + np.cos(np.pi * (PROGRESS * 4 % 1))) / 2,
    "one cycle": np.minimum(PROGRESS / 0.3, (1 - PROGRESS) / 0.7),
}.values())  # fmt: skip
def test_published_schedules_are_healthy(rates, plan):
    found = check(rated(1e-3 * rates, plan=plan))
    assert found.state == "not_found" and found.sign("fault") in ("none", "dropped_while_falling")


def test_a_smooth_decay_drops_nowhere():
    for rates in (COSINE, 1 - PROGRESS, 0.01**PROGRESS):
        assert check(rated(rates, loss=np.linspace(3, 1, 400))).sign("fault") == "none"


def test_the_end_of_a_plan_is_not_the_end_of_the_record():
    rates = until(0.9, 0.0)
    assert check(rated(rates)).state == "not_found"
    assert check(rated(rates[:370], plan=(40, 10))).state == "not_found"
    assert check(rated(np.linspace(1e-5, 1e-3, 40))).state == "not_found"  # the warm-up of a run in progress


def test_a_plateau_that_took_the_rate_down_came_first():
    rates = until(0.5, 1e-6)
    assert check(rated(rates, loss=s.flat(0.3))).state == "not_found"
    assert check(rated(rates, loss=np.linspace(3, 1, 400))).sign("fault") == "ended_early"


def stopped_at(step, then):
    """A loss that falls steadily from 3 until a step, and stays at `then` from there on."""
    wave = np.random.default_rng(0).normal(0, 0.005, 400)
    return np.where(step > STEPS, 3 - STEPS / 160, 0) + np.where(step <= STEPS, then, 0) + wave


@pytest.mark.parametrize(("then", "state"), [(2.0, "found"), (1.5, "not_found")])
def test_a_drop_in_the_middle_of_a_fall_is_found_where_it_stopped_it(then, state):
    found = check(rated(np.where(STEPS < 160, 0.1, 0.01), loss=stopped_at(160, then)))
    assert (found.state, found.sign("fault"), found.sign("at")) == (state, "dropped_while_falling", 160)


def test_a_drop_of_a_loss_that_was_flat_already_is_none_while_falling():
    assert check(rated(np.where(STEPS < 160, 0.1, 0.01), loss=s.flat())).sign("fault") == "none"
    assert check(rated(np.where(STEPS < 160, 0.1, 0.06), loss=stopped_at(160, 2.0))).sign("fault") == "none"


def test_a_drop_late_in_the_plan_stops_nothing_that_matters():
    found = check(rated(np.where(STEPS < 160, 0.1, 0.01), loss=stopped_at(160, 2.0), plan=(None, None)))
    assert found.state == "found"
    late = check(rated(np.where(STEPS < 260, 0.1, 0.01), loss=stopped_at(260, 1.375)))
    assert (late.state, late.sign("fault")) == ("not_found", "dropped_while_falling")


def test_a_rate_set_between_two_records_is_known_by_its_event():
    rates, falling = until(0.25, 1e-6), np.linspace(3, 1, 400)
    assert check(rated(rates, falling, every=399)).state == "not_found"
    events = [Event(90, "mark", {"to": 7.0}), Event(101, "learning_rate", {"from": 0.1, "to": 1e-6})]
    found = check(rated(rates, falling, events=events, every=399))
    assert (found.sign("fault"), found.onset, found.sign("peak")) == ("ended_early", 101, 0.1)


@pytest.mark.parametrize("facts", [{}, {"to": "?"}, {"to": None}, {"to": np.nan}, {"to": 10**400}, {"to": -1}])
def test_an_event_that_tells_no_rate_is_passed_over(facts):
    assert check(rated(np.full(400, 0.1), events=[Event(100, "learning_rate", facts)], every=399)).state == "not_found"


@pytest.mark.parametrize(("factor", "fault"), [(RISE * 1.2, "rising"), (RISE * 0.8, "none")])
def test_a_rate_that_grows_tenfold_to_the_end_is_rising(factor, fault):
    rates = 1e-3 * factor**PROGRESS
    assert check(rated(rates)).sign("fault") == fault
    assert check(rated(rates[:200])).sign("fault") == "none"
    assert check(rated(rates, plan=(None, None))).sign("fault") == fault


def test_a_straight_rise_without_a_plan_may_be_a_warm_up():
    assert check(rated(np.linspace(1e-6, 1e-3, 400), plan=(None, None))).state == "not_found"


@pytest.mark.parametrize(("rates", "warmup"), [
    (np.minimum(PROGRESS * 10, COSINE), True), (COSINE, False), (np.ones(400), False), (PROGRESS, True),
])  # fmt: skip
def test_a_warm_up_climbs_to_the_peak(rates, warmup):
    found = check(rated(rates))
    assert found.sign("warmup") is warmup and found.sign("peak") == rates.max() and found.sign("last") == rates[-1]


def test_healthy_runs_of_every_make_have_healthy_schedules():
    for run in s.healthy_runs(50):
        assert check(run).state != "found"


@pytest.mark.parametrize("rates", [[1e-3], [np.nan] * 100, [np.inf] * 100, [-1.0] * 100, [1e308] * 100])
def test_too_few_learning_rates_decide_nothing(rates):
    found = check(rated(rates))
    assert found.state == "inconclusive" and found.needs


@pytest.mark.parametrize("rates", [[5e-324, 1e99] * 200, [0.0, 1e99] * 200, [1e99, 5e-324] * 200])
@pytest.mark.parametrize("loss", [np.full(400, np.nan), np.full(400, 1e308), np.zeros(400), np.zeros(0)])
def test_rates_and_losses_of_any_size_are_read(rates, loss):
    assert check(rated(rates, loss)).state in ("found", "not_found")


def test_without_learning_rates_there_is_no_schedule():
    assert check(Run("losses", steps={"loss": s.series(s.falling())})).state == "not_run"


@pytest.mark.parametrize("start", [0.0, 1e-4])
def test_a_warm_up_that_holds_its_peak_to_the_end_is_healthy(start):
    rates = np.minimum(start + 0.1 * PROGRESS / 0.1, 0.1)
    assert check(rated(rates)).sign("fault") == "none"


@pytest.mark.parametrize(("losses", "fault"), [
    ([2.3, 2.28, 2.27, 2.265], "nothing"), ([2.3, 2.28, 2.29, 2.27], "none"), ([2.3], "none"),
])  # fmt: skip
def test_a_rate_that_was_taken_to_nothing_while_every_epoch_gained(losses, fault):
    assert check(taken_to_nothing({"loss": losses})).sign("fault") == fault


def taken_to_nothing(epochs, config=None):
    run = rated(np.where(STEPS < 90, 0.1, 1e-8), loss=s.flat(2.2))
    at = np.arange(1, len(next(iter(epochs.values()))) + 1) * 22
    callbacks = [{"name": "ReduceLROnPlateau", "config": config}] if config else []
    known = {name: s.series(values, at) for name, values in epochs.items()}
    return replace(run, epochs=known, card=replace(run.card, settings={"callbacks": callbacks}))


@pytest.mark.parametrize(("config", "fault"), [
    ({"min_delta": 3.0}, "nothing"),
    ({"min_delta": 1e-4}, "none"),
    ({"threshold": 3.0, "threshold_mode": "abs"}, "nothing"),
    ({"threshold": 1.0, "threshold_mode": "rel"}, "nothing"),
    ({"threshold": 1e-4, "threshold_mode": "rel"}, "none"),
])  # fmt: skip
def test_a_gain_larger_than_the_loss_is_asked_for_in_vain_from_the_second_epoch_on(config, fault):
    assert check(taken_to_nothing({"loss": [2.3, 2.28]}, config)).sign("fault") == fault


def test_the_epochs_are_those_of_what_the_callback_watches():
    epochs = {"loss": [2.3, 2.2, 2.1, 2.0], "val_loss": [2.3, 2.4, 2.35, 2.3]}
    assert check(taken_to_nothing(epochs, {"monitor": "loss"})).sign("fault") == "nothing"
    assert check(taken_to_nothing(epochs, {"monitor": "val_loss"})).sign("fault") == "none"


@pytest.mark.parametrize(("config", "fault"), [
    ({"mode": "max"}, "wrong_way"),
    ({"mode": "max", "monitor": "val_loss"}, "wrong_way"),
    ({"mode": "max", "monitor": "val_accuracy"}, "none"),
    ({"mode": "min"}, "none"),
])  # fmt: skip
def test_a_plateau_that_waits_for_a_higher_loss_takes_the_rate_down(config, fault):
    assert check(taken_to_nothing({"loss": [2.3, 2.28, 2.29, 2.27]}, config)).sign("fault") == fault

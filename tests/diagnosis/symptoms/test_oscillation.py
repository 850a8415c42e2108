import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.oscillation import ALTERNATING, AS_LARGE, MIN_RECORDS, check
from tb_lossdiag.run import Run

STEPS = np.arange(1, 401)


def curve(values, steps_per_epoch=1, steps=None):
    steps = np.arange(1, len(values) + 1) if steps is None else steps
    return s.healthy(steps={"loss": s.series(values, steps)}, card=s.card(steps_per_epoch=steps_per_epoch))


def alternating(growth, swing=0.1, noise=0.01):
    """A loss around 1 that goes up and down by turns; from first to second half the swing grows by this factor."""
    wave = np.random.default_rng(0).normal(0, noise, 400)
    return 1 + swing * growth ** (STEPS / 200) * np.cos(np.pi * STEPS) + wave


@pytest.mark.parametrize(("growth", "state"), [(1.0, "not_found"), (1.5, "not_found"), (1.75, "found"), (3, "found")])
def test_swings_by_turns_must_grow(growth, state):
    found = check(curve(alternating(growth)))
    assert (found.state, found.sign("level")) == (state, "growing" if state == "found" else "none")
    assert found.sign("growth") == pytest.approx(growth, rel=0.05)


def test_the_evidence_carries_the_autocorrelation_and_the_last_half():
    found = check(curve(alternating(3.0)))
    (evidence,) = found.evidence
    assert evidence.value == found.sign("autocorrelation") < evidence.threshold == ALTERNATING
    assert (found.onset, evidence.steps) == (201, (201, 400))


def test_swings_too_small_to_matter_are_left_alone():
    assert check(curve(alternating(3.0, swing=0.003, noise=1e-4))).state == "not_found"


@pytest.mark.parametrize(("swing", "level"), [(0.45, "none"), (0.55, "steady")])
def test_swings_as_large_as_the_level_need_not_grow(swing, level):
    found = check(curve(alternating(1.0, swing)))
    assert found.sign("level") == level
    if level == "steady":
        assert found.evidence[0].threshold == AS_LARGE < found.evidence[0].value


def test_slow_swings_count_where_they_are_as_large_as_the_level():
    assert check(curve(2.5 + 2 * np.sin(STEPS / 8))).sign("level") == "steady"
    assert check(curve(2.5 + 0.5 * np.sin(STEPS / 8))).sign("level") == "none"


def test_large_swings_on_the_way_down_still_get_there():
    assert check(curve((2.5 + 2 * np.sin(STEPS / 8)) * np.exp(-STEPS / 100))).sign("level") == "none"


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0])
def test_batch_noise_is_no_swing(sigma):
    values = np.exp(np.random.default_rng(0).normal(0, sigma, 400) * np.linspace(0.2, 1, 400))
    assert check(curve(values)).state == "not_found"


@pytest.mark.parametrize("steps_per_epoch", [2, 20])
def test_batches_in_a_fixed_order_are_no_swing(steps_per_epoch):
    order = np.tile([0.6, 1.4], steps_per_epoch // 2) + 0.3 * np.random.default_rng(3).normal(size=steps_per_epoch)
    values = 1 + (np.tile(order, 400 // steps_per_epoch) - 1) * np.linspace(0.1, 1, 400)
    unknown = check(curve(values, None))
    assert unknown.sign("level") == "growing"  # what the order of the batches looks like to who does not know of epochs
    assert check(curve(values, steps_per_epoch)).state != "found"


def test_the_epochs_may_be_known_from_their_losses():
    values = 1 + 0.5 * np.cos(np.pi * STEPS) * np.linspace(0.1, 1, 400)
    epochs = {"loss": s.series(np.ones(200), STEPS[1::2])}
    assert check(Run("scalars", steps={"loss": s.series(values)}, epochs=epochs)).state == "not_found"
    assert check(Run("scalars", steps={"loss": s.series(values)})).state == "found"


def test_epochs_of_few_batches_are_compared_as_a_whole():
    epochs = np.repeat(alternating(3.0), 2)
    assert check(curve(epochs, 2)).sign("level") == "growing"
    assert check(curve(epochs[:198], 2)).state == "inconclusive"


def test_healthy_runs_of_every_make_do_not_swing():
    for run in s.healthy_runs(50):
        assert check(run).state != "found"


def test_losses_far_apart_tell_nothing_of_swings():
    assert check(curve(alternating(3.0), steps=np.arange(1, 4001, 10))).state == "inconclusive"


@pytest.mark.parametrize("values", [[], [1.0], np.ones(MIN_RECORDS - 1), np.full(400, np.nan), np.full(400, np.inf)])
def test_too_few_finite_losses_decide_nothing(values):
    found = check(curve(np.asarray(values)))
    assert found.state == "inconclusive" and found.needs


@pytest.mark.parametrize("value", [0.0, -1.0, 1e99, 5e-324])
def test_a_loss_that_does_not_move_does_not_swing(value):
    assert check(curve(np.full(400, value))).state == "not_found"


def test_without_step_losses_there_is_nothing_to_look_at():
    assert check(Run("epochs", epochs=s.epochs(loss=alternating(3.0)))).state == "not_run"

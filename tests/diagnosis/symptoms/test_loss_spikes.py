import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.loss_spikes import CATAPULT_STEPS, HELD, MIN_WINDOW, TALL, TOWERING, WINDOW, check
from tb_lossdiag.run import Run


def curve(values, **changes):
    return s.healthy(steps={"loss": s.series(values, np.arange(1, len(values) + 1))}, **changes)


def spiky(factor, length=8, at=(200, 300), noise=0.02):
    """A loss around 1 that is `factor` times as high for some steps."""
    values = np.exp(np.random.default_rng(0).normal(0, noise, 400))
    for first in at:
        values[first : first + length] *= factor
    return values


def test_two_spikes_are_found_with_their_number_and_height():
    found = check(curve(spiky(2.0)))
    assert (found.state, found.sign("level"), found.sign("count")) == ("found", "spiky", 2)
    assert found.sign("largest") == pytest.approx(2, rel=0.1)
    assert (found.onset, found.evidence[0].steps) == (201, (201, 308))


@pytest.mark.parametrize(("factor", "state"), [(TALL * 0.9, "not_found"), (TALL * 1.1, "found")])
def test_a_single_spike_must_be_tall(factor, state):
    found = check(curve(spiky(factor, at=(200,))))
    assert (found.state, found.sign("count")) == (state, 1)


@pytest.mark.parametrize(("factor", "count"), [(1.3, 0), (1.8, 2)])
def test_a_spike_is_half_as_much_again(factor, count):
    assert check(curve(spiky(factor))).sign("count") == count


@pytest.mark.parametrize(("length", "state"), [(1, "not_found"), (HELD, "found")])
def test_a_hard_batch_is_no_spike(length, state):
    assert check(curve(spiky(5.0, length, at=(200,)))).state == state


def test_a_batch_that_towers_over_everything_before_is_one():
    assert check(curve(spiky(TOWERING * 1.2, 1, at=(200,)))).state == "found"


def test_where_hard_batches_are_common_a_few_in_a_row_are_chance():
    often = np.random.default_rng(1).random(400) < 0.1
    values = spiky(5.0, 3, at=(200,)) * np.where(often, 5.0, 1.0)
    assert check(curve(values)).sign("count") == 0


def test_noise_as_wide_as_the_spike_hides_it():
    assert check(curve(spiky(2.0, noise=0.5))).sign("level") == "calm"


def test_one_early_spike_is_a_catapult():
    assert check(curve(spiky(5.0, at=(CATAPULT_STEPS - 10,)))).state == "not_found"
    assert check(curve(spiky(5.0, at=(CATAPULT_STEPS + 1,)))).state == "found"
    assert check(curve(spiky(5.0, at=(30, 200)))).sign("count") == 1


@pytest.mark.parametrize("length", [WINDOW + 1, 200])
def test_a_loss_that_does_not_come_back_has_not_spiked(length):
    assert check(curve(spiky(5.0, length, at=(200,)))).state == "not_found"


def test_a_solved_training_may_shake():
    values = spiky(10.0, at=(200, 300)) * np.where(np.arange(400) < 100, 1, 1e-3)
    assert check(curve(values)).state == "not_found"


def test_healthy_runs_of_every_make_are_calm():
    for run in s.healthy_runs(50):
        assert check(run).sign("level") == "calm"


def test_losses_that_are_not_finite_are_left_out():
    values = spiky(5.0)
    values[::9] = np.nan
    assert check(curve(values)).state == "found"


@pytest.mark.parametrize("values", [
    [1.0] * (MIN_WINDOW + HELD), [1.0], [np.nan] * 100, [np.inf] * 100, [0.0] * 100, [-1.0] * 100,
])  # fmt: skip
def test_too_few_losses_or_losses_of_zero_decide_nothing(values):
    found = check(curve(np.array(values)))
    assert found.state == "inconclusive" and found.needs


@pytest.mark.parametrize("values", [[3e38, 1e-38] * 100, [1e308] * 100, [5e-324] * 50 + [1e99] * 50])
def test_losses_of_any_size_are_read(values):
    assert check(curve(np.array(values))).state in ("not_found", "inconclusive")


def test_without_losses_there_is_nothing_to_look_at():
    assert check(Run("epochs", epochs=s.epochs(loss=np.ones(100)))).state == "not_run"

"""Where an output stands between a guess and perfect, with the doubt of the samples."""

import asked_losses as a
import numpy as np
import pytest

from tb_lossdiag.diagnosis.measured import Measured, measured
from tb_lossdiag.diagnosis.standing import LITTLE, NONE, climbs, standing

STEPS = np.arange(1, 41)


def stood(loss, shuffled=np.nan, constant=np.nan, least: float | None = 0.0, noise: float = 0.0):
    rng = np.random.default_rng(0)
    batch = 1 + noise * rng.normal(size=len(STEPS))  # hard batches are hard for all
    arrays = [np.broadcast_to(np.asarray(x, float), STEPS.shape) * batch for x in (loss, shuffled, constant)]
    return standing(Measured("output", STEPS, *arrays, np.full(len(STEPS), 0.5), least))


@pytest.mark.parametrize(("loss", "shuffled", "level"), [
    (1.0, 1.0, "none"), (1.3, 1.3, "none"), (0.97, 1.03, "none"), (0.9, 1.2, "little"), (0.5, 2.0, "some"),
    (0.05, 3.0, "solved"),
])  # fmt: skip
def test_the_share_of_the_way_from_a_guess_to_perfect_has_a_level(loss, shuffled, level):
    known = stood(loss, shuffled, constant=1.0, noise=0.2)
    assert known.level == level and known.skill == pytest.approx(1 - loss)
    assert known.shuffled == pytest.approx(1 - loss / shuffled)


def test_the_better_guess_is_the_reference():
    assert stood(0.5, shuffled=4.0, constant=1.0).skill == pytest.approx(0.5)
    assert stood(0.5, shuffled=0.8, constant=1.0).guess == "shuffled"
    assert stood(0.5, shuffled=2.0).skill == pytest.approx(0.75)


def test_batches_that_are_hard_for_all_leave_no_doubt():
    known = stood(0.9, constant=1.0, shuffled=2.0, noise=0.3)
    assert known.high - known.low < 0.01 and known.level == "little"


def test_few_noisy_samples_leave_too_much_doubt_to_say_none():
    rng = np.random.default_rng(1)
    loss = 1 + 0.5 * rng.normal(size=3)
    one = Measured("output", STEPS[:3], loss, loss.copy() * 0 + 1.0, loss * 0 + 1.0, loss, 0.0)
    assert standing(one).level != "none"
    assert standing(one.of(slice(0, 2))) is None


def test_outputs_on_the_wrong_scale_are_none_though_they_belong_to_their_examples():
    assert stood(10.0, shuffled=13.0, constant=1.0).level == "none"
    near = stood(1.0, shuffled=1.5, constant=1.0)  # as good as a constant on the way, and it knows its examples
    assert near.level == "little" and near.shuffled > LITTLE


@pytest.mark.parametrize(("loss", "level"), [(1.0, "none"), (0.6, "open"), (0.92, "open"), (0.02, "solved")])
def test_without_a_known_floor_the_share_is_a_lower_bound(loss, level):
    known = stood(loss, shuffled=1.0 if loss == 1.0 else 2.0, constant=1.0, least=None)
    assert known.level == level and not known.floor


@pytest.mark.parametrize(("loss", "level"), [(-3.0, "open"), (-1.0, "none"), (-0.9, "none")])
def test_a_loss_below_zero_only_beats_a_guess_or_not(loss, level):
    known = stood(loss, shuffled=-1.0, least=None, noise=0.1)
    assert known.level == level and known.skill is None


def test_a_negative_floor_gives_a_share_again():
    assert stood(-0.5, shuffled=0.0, least=-1.0).skill == pytest.approx(0.5)  # a cosine similarity


def test_what_was_lost_since_the_best_samples_is_known():
    rising = np.linspace(0.2, 0.8, len(STEPS))
    assert stood(rising, constant=1.0, shuffled=2.0).lost == pytest.approx(0.52, abs=0.05)
    assert stood(rising, constant=rising * 4, shuffled=rising * 8).lost == pytest.approx(0.0, abs=1e-6)


def test_a_guess_that_is_perfect_already_measures_nothing():
    assert stood(0.0, shuffled=0.0, constant=0.0) is None


def test_a_run_that_learned_and_one_that_guesses_stand_apart():
    assert standing(measured(a.learned())[0]).low > LITTLE
    assert standing(measured(a.guessing())[0]).high < NONE


def course(skill, noise: float = 0.02) -> Measured:
    """Samples of an output whose skill against a guess of 1 takes this course."""
    loss = 1 - np.asarray(skill) + noise * np.random.default_rng(3).normal(size=len(STEPS))
    guess = np.ones(len(STEPS))
    return Measured("output", STEPS, loss, guess * np.nan, guess, guess, 0.0)


@pytest.mark.parametrize(("skill", "expected"), [
    (np.linspace(0, 0.3, 40), True), (np.linspace(-3, -1, 40), True), (np.zeros(40), False),
    (np.linspace(0.3, 0, 40), False),
])  # fmt: skip
def test_a_skill_climbs_where_its_newest_samples_rise_by_more_than_chance(skill, expected):
    assert climbs(course(skill)) is expected
    assert not climbs(course(skill).of(slice(0, 7)))  # too few to tell


def test_a_large_gain_that_heavy_tails_may_have_brought_is_neither_there_nor_missing():
    batches = np.tile([3.0, -3.0], 20)

    def level(gain):
        known = standing(Measured("output", STEPS, batches + 1 - gain, STEPS * np.nan, np.ones(40), np.ones(40), None))
        return known and known.level

    assert (level(5.0), level(1.2), level(0.0)) == ("open", None, "none")


def test_below_a_guess_only_outputs_that_say_something_of_their_example_climb():
    rising = np.linspace(1.2, 1.0, len(a.STEPS))
    run = a.run(np.interp(np.arange(1, 401), a.STEPS, rising), {"loss_constant": 1.0, "loss_shuffled": rising})
    assert not climbs(measured(run)[0])
    told = a.run(np.interp(np.arange(1, 401), a.STEPS, rising), {"loss_constant": 1.0, "loss_shuffled": 1.5})
    assert climbs(measured(told)[0])

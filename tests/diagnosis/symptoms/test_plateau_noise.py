import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.plateau_noise import NOISY, SOLVED, SOME, check

CONSTANT = np.log(s.CLASSES)
# Two values by turns around the level: the spread of a plateau without its chance.
TURNS = np.where(s.STEPS % 2, 1.0, -1.0) / 1.4826


def plateau(skill=0.5, spread=0.4, **changes):
    return s.healthy(**{"steps": s.loss(CONSTANT * (1 - skill) * (1 + spread * TURNS)), **changes})


@pytest.mark.parametrize(("spread", "level"), [(NOISY * 1.01, "noisy"), (NOISY * 0.99, "calm"), (0.0, "calm")])
def test_a_plateau_that_scatters_by_a_quarter_is_noisy(spread, level):
    found = check(plateau(spread=spread))
    assert found.sign("level") == level and found.found is (level == "noisy")
    assert found.sign("spread") == pytest.approx(spread, abs=1e-6)
    assert found.sign("descent") == pytest.approx(0.5, abs=1e-6)
    assert found.onset == (201 if level == "noisy" else None)


@pytest.mark.parametrize(("skill", "level"), [
    (SOME * 0.98, "calm"), (SOME * 1.02, "noisy"), (SOLVED - 0.01, "noisy"), (SOLVED + 0.01, "calm"), (-1.0, "calm"),
])  # fmt: skip
def test_only_a_loss_that_stopped_half_way_counts(skill, level):
    assert check(plateau(skill)).sign("level") == level


@pytest.mark.parametrize("slope", [-0.6, 0.6])
def test_a_loss_that_moves_is_no_plateau(slope):
    values = CONSTANT * 0.5 * (1 + 0.4 * TURNS + slope * (s.STEPS - 300) / 200)
    assert check(s.healthy(steps=s.loss(values))).sign("level") == "calm"


@pytest.mark.parametrize("seed", range(10))
def test_a_healthy_loss_is_calm(seed):
    noise = np.random.default_rng(seed).normal(0, 0.3, 400)
    values = (0.4 + 1.9 * np.exp(-s.STEPS / 150)) * np.exp(noise)
    assert not check(s.healthy(steps=s.loss(values))).found


def test_the_penalty_is_not_part_of_the_level():
    noisy = plateau()
    run = s.with_steps(noisy, loss=noisy.steps["loss"].values + 10, penalty=10.0)
    assert check(run).sign("level") == "noisy"


def test_noise_without_a_reference_decides_nothing():
    assert check(plateau(targets=None)).state == "inconclusive"
    assert check(plateau(targets=None, spread=0.1)).state == "not_found"


@pytest.mark.parametrize("values", [[1.0] * 20, [np.nan] * 400, [-1.0] * 400, [0.0] * 400])
def test_few_losses_or_none_above_zero_decide_nothing(values):
    assert check(s.healthy(steps=s.loss(values))).state == "inconclusive"


def test_epoch_means_hide_the_noise():
    assert check(s.healthy(steps={}, epochs=s.epochs(loss=[1.0] * 20))).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for run in s.hostile(s.with_steps(plateau(), penalty=0.1)):
        assert check(run).id == "plateau_noise"


@pytest.mark.parametrize(("values", "settled"), [(s.flat(), True), (np.linspace(2.3, 0.5, 400), False)])
def test_a_loss_that_does_not_move_clearly_has_settled(values, settled):
    assert check(s.healthy(steps=s.loss(values))).sign("settled") == settled


def test_a_plateau_near_the_largest_number_is_measured_all_the_same():
    found = check(plateau(spread=0.4, steps=s.loss(1e308 * (1 + 0.4 * TURNS))))
    assert found.sign("spread") == pytest.approx(0.4, abs=1e-6)

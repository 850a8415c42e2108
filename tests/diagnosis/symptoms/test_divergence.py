import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.divergence import ALL, BLOW_UP, LOST, check
from tb_lossdiag.run import Run


def there_and_back(lost, noise=0.01):
    """A loss that falls from 2 to 1 and takes back this share of the way."""
    wave = np.random.default_rng(0).normal(0, noise, 400)
    down, up = np.linspace(2, 1, 150), np.linspace(1, 1 + lost, 150)
    return np.r_[np.full(20, 2.0), down, np.full(30, 1.0), up, np.full(50, 1 + lost)] + wave


def curve(values):
    return s.healthy(steps={"loss": s.series(values)})


@pytest.mark.parametrize(("lost", "level"), [
    (0.0, "none"), (LOST - 0.05, "none"), (LOST + 0.05, "rose"), (ALL - 0.05, "rose"), (ALL + 0.05, "collapsed"),
    (3.0, "collapsed"),
])  # fmt: skip
def test_what_was_learned_is_kept_or_lost_in_part_or_all(lost, level):
    found = check(curve(there_and_back(lost)))
    assert found.sign("level") == level and found.state == ("not_found" if level == "none" else "found")
    assert found.sign("lost") == pytest.approx(lost, abs=0.03)
    assert 150 <= found.sign("best_step") <= (220 if lost else 400)


def test_the_onset_is_where_half_of_the_way_was_lost():
    found = check(curve(there_and_back(1.0)))
    assert 250 <= found.onset <= 300
    assert found.evidence[0].threshold == LOST and found.evidence[0].steps == (found.sign("best_step"), 400)


@pytest.mark.parametrize(("factor", "level"), [(BLOW_UP * 0.8, "none"), (BLOW_UP * 1.3, "collapsed")])
def test_five_doublings_need_no_progress_before(factor, level):
    found = check(curve(2 * factor ** np.linspace(0, 1, 400)))
    assert found.sign("level") == level and found.sign("lost") == 0


def test_way_too_short_is_nothing_to_lose():
    assert check(curve(there_and_back(1.0) * 0.02 + 2)).state == "not_found"


@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_noise_around_a_level_is_nothing_learned(noise):
    values = 2.3 * np.exp(np.random.default_rng(0).normal(0, noise, 400))
    assert check(curve(values)).state == "not_found"
    assert check(Run("epochs", epochs=s.epochs(loss=values[:30]))).state == "not_found"


def test_a_last_hard_batch_is_no_loss():
    values = there_and_back(0.0)
    values[-3:] = 50
    assert check(curve(values)).state == "not_found"


def test_healthy_runs_of_every_make_keep_what_they_learned():
    for run in s.healthy_runs(50):
        assert check(run).sign("level") in ("none", None)


def test_epoch_means_serve_where_steps_are_missing():
    found = check(Run("epochs", epochs=s.epochs(loss=there_and_back(1.0)[::10])))
    assert (found.state, found.sign("level")) == ("found", "collapsed")


def test_a_penalty_that_grows_is_no_loss_of_what_was_learned():
    penalty = np.linspace(0, 50, 400)
    steps = {"loss": s.series(there_and_back(0.0) + penalty), "penalty": s.series(penalty)}
    assert check(s.healthy(steps=steps)).state == "not_found"


@pytest.mark.parametrize(
    "values", [[1.0], np.ones(39), np.full(400, np.nan), np.full(400, np.inf), np.full(400, 1e308)]
)
def test_too_few_finite_losses_decide_nothing(values):
    found = check(curve(np.asarray(values)))
    assert found.state == "inconclusive" and found.needs


@pytest.mark.parametrize(
    "values", [np.zeros(400), -np.ones(400), np.full(400, 1e99), np.r_[np.zeros(200), np.ones(200)]]
)
def test_levels_of_any_size_are_no_divergence(values):
    assert check(curve(values)).state == "not_found"


def test_without_a_loss_there_is_nothing_to_look_at():
    assert check(s.healthy(steps={})).state == "not_run"

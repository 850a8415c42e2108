import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.gradient_agreement import ALIGNED, MIN_RECORDS, NOISE, check

STEPS = np.array([*range(1, 21), *range(40, 401, 20)])


def agreeing(values, **changes):
    values = np.broadcast_to(np.asarray(values, float), np.shape(values) or (len(STEPS),))
    return s.healthy(steps={**s.loss(s.falling()), "gradient_agreement": s.series(values, STEPS)}, **changes)


@pytest.mark.parametrize(("cosine", "level"), [
    (1.0, "aligned"), (ALIGNED * 1.01, "aligned"), (ALIGNED * 0.99, "usual"), (NOISE * 1.01, "usual"),
    (NOISE * 0.99, "noise"), (0.0, "noise"), (-0.3, "noise"),
])  # fmt: skip
def test_half_batches_agree_or_share_nothing_or_something(cosine, level):
    found = check(agreeing(cosine))
    assert found.sign("level") == level
    assert found.state == ("not_found" if level == "usual" else "found")
    assert found.evidence[0].value == pytest.approx(cosine)


def test_the_last_half_decides_and_the_start_is_told():
    found = check(agreeing(np.where(STEPS < 100, 0.4, 0.01)))
    assert (found.sign("early"), found.sign("late"), found.sign("level")) == (0.4, 0.01, "noise")
    assert (found.onset, found.evidence[0].steps) == (100, (220, 400))


def test_the_noise_scale_is_the_batch_that_is_half_signal():
    card = s.card(batch_size=64)
    assert check(agreeing(0.5, card=card)).sign("noise_scale") == pytest.approx(32)
    assert check(agreeing(0.1, card=card)).sign("noise_scale") == pytest.approx(32 * 9)
    assert check(agreeing(0.0, card=card)).sign("noise_scale") == np.inf
    assert check(agreeing(0.5, card=s.card(batch_size=None))).sign("noise_scale") is None
    assert check(agreeing(0.5, card=None)).sign("noise_scale") is None


def test_healthy_runs_of_every_make_are_usual():
    for run in s.healthy_runs(50):
        assert check(run).sign("level") == "usual"


@pytest.mark.parametrize("count", [MIN_RECORDS - 1, 1, 0])
def test_few_cosines_decide_nothing(count):
    values = np.full(len(STEPS), np.nan)
    values[:count] = 0.5
    found = check(agreeing(values))
    assert found.state == "inconclusive" and found.needs


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, 2.0])
def test_what_is_no_cosine_is_left_out(value):
    assert check(agreeing(value)).state == "inconclusive"
    values = np.full(len(STEPS), 0.5)
    values[::3] = value
    assert check(agreeing(values)).sign("late") == 0.5


def test_without_half_batches_there_is_nothing_to_compare():
    assert check(s.healthy()).state == "not_run"


def test_halves_that_pull_against_each_other_are_no_noise():
    found = check(agreeing(-1.0))
    assert (found.state, found.sign("level")) == ("not_found", "opposed")

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.loss_scale import FLOOR, SETTLED, UNDERFLOWN, check

HALF = s.card(precision="mixed_float16", optimizer={"name": "Adam", "config": {}, "loss_scale": True})


def scaled(scale=32768.0, thrown=(), **series):
    """A run with a loss scale, and gradients that are not finite at the steps `thrown`."""
    bad = np.isin(s.STEPS, thrown).astype(float)
    return s.with_steps(s.healthy(card=HALF), loss_scale=scale, gradient_nonfinite=bad, **series)


def unscaled(zero, precision="float16"):
    table = s.with_column(s.layer_table(), "gradient_zero_share", zero)
    return s.healthy(card=s.card(precision=precision), layers=table)


@pytest.mark.parametrize("thrown", [(), (1, 2, 3, 4, 5, 6), (2000,), (250,), tuple(range(1, 16))])
def test_a_scale_that_finds_its_size_is_usual(thrown):
    found = check(scaled(thrown=thrown))
    assert (found.state, found.sign("level"), found.sign("scale_last")) == ("not_found", "usual", 32768.0)


@pytest.mark.parametrize(("count", "level"), [(16, "skipping"), (15, "usual")])
def test_one_settled_step_in_twenty_thrown_away_is_skipping(count, level):
    found = check(scaled(thrown=SETTLED + 10 * np.arange(1, count + 1)))
    assert found.sign("level") == level
    assert (found.state, found.onset) == (("found", 110) if level == "skipping" else ("not_found", None))
    assert found.sign("skipped") == pytest.approx(count / 400)


@pytest.mark.parametrize(("every", "level"), [(4, "skipping"), (6, "usual")])
def test_a_fifth_of_the_first_steps_after_the_scale_was_found_is_skipping(every, level):
    run = scaled(thrown=np.arange(every, 81, every))
    short = {name: part.between(1, 80) for name, part in run.steps.items()}
    assert check(s.healthy(card=HALF, steps=short)).sign("level") == level


def test_the_steps_thrown_away_before_the_first_good_one_do_not_count():
    run = scaled(thrown=np.arange(1, 11))
    short = {name: part.between(1, 30) for name, part in run.steps.items()}
    assert check(s.healthy(card=HALF, steps=short)).sign("level") == "usual"


def test_a_training_that_throws_away_every_step_is_skipping():
    assert check(scaled(thrown=s.STEPS)).sign("level") == "skipping"


@pytest.mark.parametrize(("last", "level"), [(FLOOR, "floor"), (0.25, "floor"), (FLOOR * 2, "usual")])
def test_a_scale_that_sank_to_one_is_at_its_floor(last, level):
    found = check(scaled(np.geomspace(32768, last, 400)))
    assert found.sign("level") == level and found.found is (level == "floor")


def test_a_scale_that_was_always_one_is_a_choice():
    assert check(scaled(1.0)).sign("level") == "usual"
    assert check(scaled(1.0, thrown=(50,))).sign("level") == "floor"


@pytest.mark.parametrize(("zero", "state"), [(UNDERFLOWN * 1.01, "found"), (UNDERFLOWN * 0.99, "not_found")])
@pytest.mark.parametrize("precision", ["float16", "mixed_float16"])
def test_float16_without_a_scale_is_found_where_gradients_vanish(zero, state, precision):
    found = check(unscaled(zero, precision))
    assert (found.state, found.sign("level")) == (state, "unscaled")


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "float64"])
def test_other_formats_need_no_scale(precision):
    found = check(unscaled(0.9, precision))
    assert (found.state, found.sign("level")) == ("not_found", "usual")


def test_unknown_gradients_decide_nothing():
    assert check(unscaled(np.nan)).state == "inconclusive"
    assert check(s.with_steps(scaled(), gradient_nonfinite=None)).state == "inconclusive"
    assert check(scaled(np.nan)).state == "inconclusive"


@pytest.mark.parametrize("card", [
    None, HALF, s.card(precision="float16", optimizer={"name": "Adam", "config": {"loss_scale_factor": 128.0}}),
])  # fmt: skip
def test_a_log_that_left_out_the_scale_asks_for_it(card):
    assert check(s.healthy(card=card)).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for run in (*s.hostile(scaled(thrown=(3, 9))), *s.hostile(unscaled(0.9))):
        assert check(run).id == "loss_scale"

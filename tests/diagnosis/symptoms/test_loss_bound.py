import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.loss_bound import FAR, RUNAWAY, check
from tb_lossdiag.run import Run


def level(loss, name="my_loss", **changes):
    known = check(s.healthy(card=s.card(loss={"name": name}), steps=s.loss(loss), targets=None, **changes))
    assert known.found is (known.sign("level") not in ("none", "steady"))
    return known.sign("level")


@pytest.mark.parametrize("name", ["binary_crossentropy", "mse", "Huber", "sparse_categorical_crossentropy", "hinge"])
def test_a_loss_below_what_its_definition_allows_is_impossible(name):
    assert level(s.falling(0.7, -50.0), name) == "impossible"
    assert level(s.falling(0.7, 0.05), name) == "none"


def test_rounding_below_zero_is_none():
    assert level(np.r_[s.falling(2.0, 0.001, 0.0)[:390], np.full(10, -1e-7)], "mse") == "none"


@pytest.mark.parametrize("loss", [
    s.falling(2.0, -3.0),  # a density's negative log-likelihood
    s.falling(9000.0, -5000.0, 50.0),  # that of an image
    s.falling(-0.001, -0.98, 0.01),  # a cosine similarity
    s.falling(-0.1, -490.0, 20.0),  # a negative reward
    s.falling(500.0, -2000.0, 10.0),  # a lower bound on evidence
    np.random.default_rng(0).normal(0, 3, 400),  # a policy's gradient
], ids=["density", "image", "cosine", "reward", "evidence", "policy"])  # fmt: skip
def test_losses_that_may_be_negative_come_to_rest(loss):
    assert level(loss) == "none"


@pytest.mark.parametrize("loss", [
    -np.exp(np.linspace(0, 39, 400)),  # a Jaccard loss of masks of 0 and 255
    1 - np.linspace(0, 1, 400) ** 2 * 3e4,  # faster and faster
], ids=["exponential", "quadratic"])  # fmt: skip
def test_a_loss_that_falls_by_more_and_more_runs_away(loss):
    assert level(loss) == "runaway"


def test_a_loss_may_go_as_far_as_some_times_its_start():
    quicker, as_quick = -(np.linspace(0, 1, 400) ** 2), -np.linspace(0, 1, 400)
    assert level(1 + 0.9 * FAR * quicker) == "steady" and level(1 + 1.5 * FAR * quicker) == "runaway"
    assert level(1 + 0.9 * RUNAWAY * as_quick) == "steady"


def test_of_several_losses_no_name_gives_the_least_sum():
    run = a.heads(a.well(), a.well(), loss=s.falling(3.0, -2.0))
    assert check(run).state == "not_found"


def test_it_dates_the_first_value_that_cannot_be():
    found = check(s.healthy(card=s.card(loss={"name": "mse"}), steps=s.loss(np.linspace(1, -3, 400)), targets=None))
    assert found.onset == 101 and "cannot be below 0" in found.evidence[0].text


def test_no_figure_is_out_of_measure_and_few_points_are_too_few():
    assert "e+16" in check(a.run(-np.exp(np.linspace(0, 39, 400)), {})).evidence[0].text
    assert check(Run("short", steps=s.loss([1.0, -2.0]))).state == "inconclusive"


def test_a_step_of_the_users_own_may_put_another_loss_there():
    card = s.card(loss={"name": "mse"}, settings={"not_measured": "the loss is computed inside train_step"})
    assert check(s.healthy(card=card, steps=s.loss(s.falling(0.7, -50.0)), targets=None)).state == "not_found"


def test_a_penalty_that_is_estimated_between_samples_makes_no_loss_negative():
    penalty = 100 + 5 * np.sin(np.arange(1, 401))
    steps = {**s.loss(penalty + 0.01), "penalty": s.series(penalty).between(1, 20)}
    found = check(s.healthy(card=s.card(loss={"name": "mse"}), steps=steps, targets=None))
    assert found.state == "not_found"


def test_a_loss_that_is_a_part_of_what_the_step_adds_up_bounds_nothing():
    """A policy's gain is below 0, and the squared error of the values beside it is what was recognised."""
    at = s.falling(0.5, -2.0)[a.STEPS - 1]
    error = {"loss": np.abs(at) + 0.1, "loss_shuffled": 3.0, "loss_constant": 2.0, "loss_shuffled_change": 0.5}
    card = s.card(loss={"name": "mse"})
    apart = a.run(s.falling(0.5, -2.0), error, card=card)
    assert check(apart).sign("level") == "none"
    assert check(a.run(s.falling(0.5, -2.0), {**error, "loss": at}, card=card)).sign("level") == "impossible"


def one_answer(**changes):
    extreme = changes.pop("extreme_share", 1.0)
    table = s.data_table(prediction={"min": 0.0, "max": 1.0, "diversity": 1e-9} | changes)
    return s.added(table, "extreme_share", extreme, "prediction")


def test_a_loss_below_zero_that_is_won_by_one_certain_answer_is_turned_round():
    assert level(s.falling(-1.8, -13.4), data=one_answer()) == "inverted"


@pytest.mark.parametrize(("loss", "data"), [
    (s.falling(-0.1, -0.9), one_answer()),
    (s.falling(1.8, -13.4), one_answer()),
    (s.falling(-1.8, -13.4), one_answer(diversity=1.1)),
    (s.falling(-1.8, -13.4), one_answer(min=-4.0)),
    (s.falling(-1.8, -13.4), one_answer(extreme_share=0.1)),
], ids=["an overlap", "a density", "answers that differ", "no probabilities", "not certain"])  # fmt: skip
def test_other_losses_below_zero_are_left_alone(loss, data):
    assert level(loss, data=data) == "none"


def compared(values):
    """The losses of a critic: a difference of the scores that it gives in two passes."""
    return s.healthy(card=s.card(loss={}, settings={"calls_per_step": 2}), steps=s.loss(values))


def test_scores_that_nothing_holds_swing_far_to_either_side():
    waves = np.sin(np.arange(400) / 7)
    found = check(compared(waves * 5000 * np.linspace(0, 1, 400) ** 2))
    assert found.found and found.sign("level") == "runaway" and "nothing holds it" in found.evidence[0].text
    assert check(compared(20 * waves)).sign("level") == "none"


def test_one_that_may_be_below_0_and_falls_as_fast_as_ever_is_steady():
    course = np.linspace(2.8, -8.0, 400) + np.random.default_rng(0).normal(0, 0.1, 400)
    assert level(course) == "steady"
    assert level(course + 20.0) == "none"  # above 0 there is a least value yet to come
    assert level(np.linspace(2.8, -1.5, 400)) == "none"  # no farther below 0 than it began above
    assert level(s.falling(2.8, -8.0)) == "none"  # it slows down

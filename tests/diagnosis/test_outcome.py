import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.outcome import BLOWN_UP, CAME_DOWN, FALLEN, MOVES, UNMOVED, outcome
from tb_lossdiag.diagnosis.report import VERDICTS, Check
from tb_lossdiag.diagnosis.standing import LITTLE, NONE, SOLVED
from tb_lossdiag.run import Row, Run


def judge(
    direction,
    skill=None,
    run=None,
    fallen=0.3,
    place="loss",
    alike=False,
    measured=None,
    gained=None,
    change=-0.1,
    **found,
):
    """The outcome of a training with this trend and skill; found: further checks that found something.

    measured: further signs of a skill by measured references, such as {"level": "open"}.
    """
    told = {} if measured is None else {"measured": True, "lost": 0.0, **measured}
    signs = {
        "flatness": (("direction", direction), ("fallen", fallen), ("change", change)),
        "skill": (() if skill is None else (("skill", skill),)) + tuple(told.items()),
        "nonfinite": (("place", place),),
        "metric_frozen": (("gained", gained),),
        "early_loss": (("leapt", bool(found.get("early_loss"))),),
        "output_diversity": (("alike", alike),),
        "update_ratio": (("level", "high" if found.get("update_ratio") else "normal"),),
    }
    names = ("flatness", "skill", "divergence", "nonfinite", "metric_frozen", "generalization_gap", "output_diversity")
    names += ("loss_bound", "update_ratio", "weight_growth", "early_loss", "zero_gradient")
    states = {name: "found" if found.get(name) else "not_found" for name in names}
    if skill is not None and skill < NONE:
        states["skill"] = "found"
    checks = {name: Check(name, name, states[name], signs=signs.get(name, ())) for name in names}
    return outcome(run or s.healthy(), checks)


@pytest.mark.parametrize(("direction", "skill", "expected"), [
    ("flat", 0.0, "never_learned"), ("unclear", 0.0, "never_learned"), ("short", 0.0, "inconclusive"),
    ("falling", 0.0, "slow"), ("falling", LITTLE - 0.01, "slow"), ("falling", LITTLE + 0.01, "learning"),
    ("flat", LITTLE - 0.01, "stalled"), ("flat", 0.5, "stalled"), ("unclear", 0.5, "learning"),
    ("unclear", NONE + 0.01, "slow"), ("short", 0.5, "learning"),
    ("flat", SOLVED, "converged"), ("falling", SOLVED, "learning"), ("unclear", SOLVED, "learning"),
    ("rising", 0.5, "diverging"), ("rising", -3.0, "diverging"), ("rising", SOLVED, "learning"),
])  # fmt: skip
def test_trend_and_skill_make_the_outcome(direction, skill, expected):
    assert judge(direction, skill) == expected


def test_a_model_without_gradients_and_one_answer_for_all_has_learned_nothing_whatever_its_loss_does():
    def stands(step, pattern="all", alike=True):
        names = ("flatness", "skill", "divergence", "nonfinite", "metric_frozen", "generalization_gap", "loss_bound")
        checks = {name: Check(name, name, "not_found") for name in (*names, "weight_growth", "early_loss")}
        checks["update_ratio"] = Check("update_ratio", "", "found", signs=(("level", "stopped"),))
        checks["flatness"] = Check("flatness", "", "found", signs=(("direction", "rising"), ("change", 0.1)))
        checks["zero_gradient"] = Check("zero_gradient", "", "found", onset=step, signs=(("pattern", pattern),))
        checks["output_diversity"] = Check("output_diversity", "", "found", signs=(("alike", alike),))
        return outcome(s.healthy(), checks)

    assert stands(2) == "never_learned"
    assert "never_learned" not in (stands(200), stands(2, pattern="some"), stands(2, alike=False))


@pytest.mark.parametrize(("fallen", "expected"), [(UNMOVED - 0.01, "never_learned"), (UNMOVED + 0.01, "stalled")])
def test_a_loss_that_never_left_its_start_has_learned_nothing(fallen, expected):
    assert judge("flat", LITTLE - 0.01, fallen=fallen) == expected
    assert judge("flat", LITTLE + 0.01, fallen=fallen) == "stalled"


@pytest.mark.parametrize(("direction", "skill", "expected"), [
    ("unclear", LITTLE - 0.01, "never_learned"), ("flat", LITTLE - 0.01, "never_learned"),
    ("falling", LITTLE - 0.01, "slow"), ("short", LITTLE - 0.01, "inconclusive"), ("unclear", 0.5, "learning"),
])  # fmt: skip
def test_one_answer_for_all_inputs_has_learned_nothing(direction, skill, expected):
    assert judge(direction, skill, alike=True) == expected


@pytest.mark.parametrize(("direction", "fallen", "expected"), [
    ("falling", 0.0, "learning"), ("flat", 0.0, "stalled"), ("short", 0.0, "inconclusive"),
    ("rising", 0.0, "inconclusive"), ("unclear", FALLEN - 0.01, "inconclusive"),
    ("unclear", FALLEN + 0.01, "learning"), ("flat", CAME_DOWN + 0.01, "inconclusive"),
    ("flat", CAME_DOWN - 0.01, "stalled"),
])  # fmt: skip
def test_without_a_reference_the_trend_decides(direction, fallen, expected):
    assert judge(direction, fallen=fallen) == expected


@pytest.mark.parametrize("skill", [None, 0.5])
def test_a_gap_is_overfitting(skill):
    assert judge("falling", skill, generalization_gap=True) == "overfitting"


def test_a_run_that_never_learned_cannot_overfit():
    assert judge("flat", 0.0, generalization_gap=True) == "never_learned"


def test_a_frozen_metric_has_learned_nothing_though_the_loss_fell():
    assert judge("falling", 0.95, metric_frozen=True) == "never_learned"


@pytest.mark.parametrize("place", ["loss", "input", "target", "activation", "gradient"])
def test_nan_anywhere_breaks_a_training_only_when_the_loss_ends_so(place):
    assert judge("falling", 0.5, nonfinite=True, place=place) == "learning"
    ended = s.healthy(steps=s.loss(np.r_[s.falling()[:-1], np.nan]))
    assert judge("falling", 0.5, run=ended, nonfinite=True, place=place) == "nonfinite"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_epoch_loss_that_ends_not_finite_breaks_it_too(value):
    assert judge("falling", run=Run("epochs", epochs=s.epochs(loss=[1.0, value]))) == "nonfinite"


def test_a_run_without_losses_is_inconclusive():
    assert judge("short", run=Run("empty")) == "inconclusive"


def test_every_outcome_is_a_verdict():
    directions, skills = ("flat", "falling", "rising", "unclear", "short"), (None, -1.0, 0.0, 0.1, 0.5, 0.95)
    assert {judge(direction, skill) for direction in directions for skill in skills} <= set(VERDICTS)


def test_what_was_learned_and_lost_again_diverges_unless_it_ends_solved():
    assert judge("falling", 0.3, divergence=True) == "diverging"
    assert judge("falling", SOLVED, divergence=True) == "learning"


@pytest.mark.parametrize(("steps", "epochs", "expected"), [
    (99, None, "inconclusive"), (100, None, "never_learned"),  # of no known plan
    (99, 10, "inconclusive"), (100, 10, "never_learned"), (60, 1.5, "never_learned"),  # of 400, all of 60
    (249, 25, "inconclusive"), (250, 25, "never_learned"), (1999, 1000, "inconclusive"), (2000, 1000, "never_learned"),
])  # fmt: skip
def test_a_training_that_goes_on_is_not_called_stuck_before_a_quarter_of_its_plan(steps, epochs, expected):
    per_epoch = 40 if epochs is None or epochs == int(epochs) else 60
    card = s.card(epochs=epochs and int(epochs), steps_per_epoch=per_epoch)
    run = s.stuck(card=card, steps={"loss": s.series(np.ones(steps), np.arange(1, steps + 1))}, layers=None, data=None)
    assert judge("flat", 0.0, run=run) == expected


def test_a_plan_that_is_over_with_hardly_any_skill_was_slow():
    going_on = s.healthy(card=s.card(epochs=12))
    assert judge("unclear", LITTLE - 0.01) == "slow"
    assert judge("unclear", LITTLE - 0.01, run=going_on) == "inconclusive"


@pytest.mark.parametrize(("epochs", "expected"), [(10, "slow"), (16, "slow"), (18, "inconclusive")])
def test_a_loss_that_still_moves_has_longer(epochs, expected):
    assert judge("falling", LITTLE - 0.01, run=s.healthy(card=s.card(epochs=epochs))) == expected


@pytest.mark.parametrize(("end", "expected"), [(BLOWN_UP * 0.99, "inconclusive"), (BLOWN_UP * 1.01, "diverging")])
def test_a_loss_that_rises_may_turn_unless_it_has_blown_up(end, expected):
    run = s.healthy(card=s.card(epochs=100), steps=s.loss(np.linspace(1.0, end, 400)))
    assert judge("rising", 0.5, run=run) == expected


@pytest.mark.parametrize("direction", ["flat", "falling", "rising", "unclear", "short"])
def test_a_loss_that_cannot_be_is_never_learning(direction):
    assert judge(direction, 0.95, loss_bound=True) == "diverging"


@pytest.mark.parametrize("direction", ["flat", "falling", "rising", "unclear"])
def test_an_output_that_stays_behind_is_stuck_whatever_the_sum_does(direction):
    assert judge(direction, 0.0, measured={"level": "none", "behind": "a"}) == (
        "diverging" if direction == "rising" else "stalled"
    )


@pytest.mark.parametrize(("direction", "fallen", "expected"), [
    ("flat", 0.9, "inconclusive"), ("flat", 0.0, "inconclusive"), ("falling", 0.3, "learning"),
    ("unclear", 0.9, "learning"), ("unclear", 0.3, "inconclusive"), ("short", 0.9, "inconclusive"),
])  # fmt: skip
def test_above_a_floor_that_nobody_knows_a_flat_loss_is_neither_stuck_nor_done(direction, fallen, expected):
    assert judge(direction, None, fallen=fallen, measured={"level": "open"}) == expected


@pytest.mark.parametrize(("direction", "expected"), [
    ("flat", "never_learned"), ("unclear", "never_learned"), ("falling", "slow"), ("short", "inconclusive"),
])  # fmt: skip
def test_a_loss_below_zero_that_does_not_beat_a_guess_has_learned_nothing(direction, expected):
    assert judge(direction, None, measured={"level": "none"}) == expected


def test_a_loss_that_rises_with_its_references_has_lost_nothing():
    assert judge("rising", 0.5, measured={"level": "some"}) == "learning"
    assert judge("rising", 0.95, measured={"level": "solved"}) == "learning"
    assert judge("rising", 0.5, measured={"level": "some", "lost": 0.4}) == "diverging"


def test_without_a_reference_a_rise_needs_steps_that_are_seen_to_be_too_large():
    assert judge("rising", update_ratio=True) == judge("rising", weight_growth=True) == "diverging"
    assert judge("falling", divergence=True, update_ratio=True) == "diverging"
    assert judge("falling", divergence=True) == "inconclusive"
    scalars = s.healthy(layers=None, steps=s.loss(np.geomspace(1, 100, 400)))
    assert judge("rising", run=scalars) == "diverging"
    assert judge("rising", run=s.healthy(layers=None, steps=s.loss(np.linspace(1, 20, 400)))) == "inconclusive"


def test_players_and_terms_that_gain_weight_may_rise():
    two = s.with_rows(s.data_table(), (Row("rate:d", "rate"), Row("rate:g", "rate")))
    assert judge("rising", run=s.healthy(data=two), update_ratio=True) == "inconclusive"
    terms = {"data": a.along(10, 4), "kl": 30 * a.STEPS / 400}
    warming = a.with_terms(s.healthy(data=a.table({})), terms)
    assert judge("rising", run=warming, update_ratio=True) == "inconclusive"


def coming_down(end, start=5.0, rate=40):
    """A loss that comes down to this many times what a constant guess scores, and still falls a little."""
    steps = np.arange(1, 401)
    return s.healthy(steps=s.loss(end + (start - end) * np.exp(-steps / rate)))


def test_a_loss_that_comes_down_to_the_constant_guess_and_stays_has_learned_nothing():
    guess = {"constant_loss": 1.0}
    assert judge("falling", 0.0, run=coming_down(1.0), measured=guess) == "never_learned"
    assert judge("falling", -0.1, run=coming_down(1.1), measured=guess) == "never_learned"
    assert judge("falling", 0.0, run=coming_down(1.0), measured={"shuffled_loss": 1.0}) == "never_learned"


@pytest.mark.parametrize(("skill", "run", "signs"), [
    (0.0, coming_down(1.0, start=1.2), {}),  # it began next to the guess
    (0.0, coming_down(0.5, rate=500), {}),  # it is on its way, and passes the guess
    (0.1, coming_down(0.9), {}),  # it went beyond the guess
    (0.0, coming_down(1.0), {"shuffled": 0.4}),  # it knows its examples, on the wrong scale yet
])  # fmt: skip
def test_other_ways_to_the_constant_guess_are_slow(skill, run, signs):
    assert judge("falling", skill, run=run, measured={"constant_loss": 1.0, **signs}) == "slow"


def test_one_answer_for_all_inputs_has_learned_nothing_whatever_was_asked():
    assert judge("flat", alike=True, run=a.run(s.flat(), {"diversity": 1e-4})) == "never_learned"
    far = a.run(s.flat(), {"diversity": 1e-3}, {"diversity": 1e-3})  # targets of 1000, give or take one
    assert judge("flat", alike=True, run=far) == "stalled"
    two = s.with_rows(a.run(s.flat(), {"diversity": 1e-4}).data, (Row("rate:d", "rate"), Row("rate:g", "rate")))
    assert judge("flat", alike=True, run=s.healthy(data=two)) == "stalled"


def test_right_answers_are_something_learned_though_a_few_losses_make_up_the_mean():
    assert judge("falling", 0.0, run=coming_down(1.0), measured={"constant_loss": 1.0}, gained=0.9) == "slow"
    assert judge("falling", 0.0, run=coming_down(1.0), measured={"constant_loss": 1.0}, gained=0.1) == "never_learned"


def test_where_a_loss_came_to_lie_after_leaps_is_no_floor():
    assert judge("flat", fallen=0.9) == "inconclusive"
    thrown = {"update_ratio": True, "early_loss": True, "weight_growth": True}
    assert judge("flat", fallen=0.9, **thrown) == "stalled"
    assert judge("flat", fallen=0.9, **{**thrown, "early_loss": False}) == "inconclusive"


@pytest.mark.parametrize(("steps", "epochs", "climbs", "expected"), [
    (200, 10, True, "inconclusive"), (200, 10, False, "never_learned"), (250, 10, True, "never_learned"),
    (300, None, True, "inconclusive"), (300, None, False, "never_learned"), (400, None, True, "never_learned"),
])  # fmt: skip
def test_a_skill_that_climbs_while_the_training_goes_on_is_given_time(steps, epochs, climbs, expected):
    cut = {"epochs": {}, "layers": None, "data": None, "targets": None}
    run = s.healthy(card=s.card(epochs=epochs), steps=s.loss(s.flat()[:steps]), **cut)
    assert judge("flat", 0.0, run=run, measured={"climbs": climbs}) == expected


@pytest.mark.parametrize(("skill", "signs", "expected"), [
    (-0.6, {"climbs": True, "shuffled": 0.15}, "slow"), (-0.6, {"shuffled": 0.15}, "never_learned"),
    (-0.6, {"climbs": True, "shuffled": 0.0}, "never_learned"), (-0.1, {"climbs": True}, "never_learned"),
])  # fmt: skip
def test_a_loss_far_above_a_guess_that_comes_down_to_it_is_slow(skill, signs, expected):
    assert judge("unclear", skill, measured=signs) == expected


def test_a_loss_that_falls_by_much_of_a_guess_has_not_come_to_rest():
    """It began at five times what a guess scores, so that half of that is little of its way."""
    half = s.healthy(steps=s.loss(np.r_[np.linspace(5, 1.5, 320), np.full(40, 1.3), np.full(40, 1.1)]))
    assert judge("falling", -0.1, run=half, measured={"constant_loss": 1.0}) == "slow"


def test_a_loss_that_falls_by_much_of_itself_has_not_come_to_rest():
    guess = {"constant_loss": 1.0}
    assert judge("falling", 0.0, run=coming_down(1.0), measured=guess, change=-MOVES - 0.01) == "slow"
    assert judge("falling", 0.0, run=coming_down(1.0), measured=guess, change=-MOVES + 0.01) == "never_learned"


@pytest.mark.parametrize(("epochs", "change", "expected"), [
    (None, -MOVES - 0.01, "inconclusive"), (20, -MOVES - 0.01, "inconclusive"), (None, -MOVES + 0.01, "slow"),
    (10, -MOVES - 0.01, "slow"),
])  # fmt: skip
def test_a_loss_that_falls_by_much_of_itself_is_slow_only_once_the_plan_is_over(epochs, change, expected):
    run = s.healthy(card=s.card(epochs=epochs))
    assert judge("falling", LITTLE - 0.01, run=run, change=change) == expected

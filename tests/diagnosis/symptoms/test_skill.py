import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.standing import LITTLE, NONE, SOLVED
from tb_lossdiag.diagnosis.symptoms.skill import SCALED, SPIKE, check
from tb_lossdiag.run import Run

CHANCE = np.log(s.CLASSES)


def skilled(skill):
    return s.healthy(steps=s.loss(np.full(400, CHANCE * (1 - skill))))


@pytest.mark.parametrize(("skill", "level"), [
    (-0.5, "none"), (NONE - 1e-3, "none"), (NONE + 1e-3, "little"), (LITTLE - 1e-3, "little"), (LITTLE + 1e-3, "some"),
    (SOLVED - 1e-3, "some"), (SOLVED + 1e-3, "solved"), (0.998, "solved"),
])  # fmt: skip
def test_skill_is_measured_against_the_entropy_of_the_labels(skill, level):
    found = check(skilled(skill))
    assert found.sign("skill") == pytest.approx(skill, abs=1e-6) and found.sign("level") == level
    assert found.state == ("found" if level == "none" else "not_found")


def test_the_evidence_carries_skill_threshold_and_both_losses():
    (evidence,) = check(skilled(0.0)).evidence
    assert evidence.value == pytest.approx(0, abs=1e-6) and evidence.threshold == NONE
    assert evidence.text == "The loss ends at 2.303; always guessing the same scores 2.303. Skill 0.00."
    assert evidence.steps == (361, 400)


def test_having_learned_nothing_began_with_the_first_step():
    assert check(skilled(0.0)).onset == 1 and check(skilled(0.5)).onset is None


def test_only_the_last_tenth_of_the_curve_counts():
    loss = np.r_[np.full(360, CHANCE), np.full(40, CHANCE / 2)]
    assert check(s.healthy(steps=s.loss(loss))).sign("skill") == pytest.approx(0.5, abs=1e-6)


def test_penalties_are_no_lack_of_skill():
    penalty = np.full(400, 5.0)
    steps = {"loss": s.series(np.full(400, CHANCE / 2) + penalty), "penalty": s.series(penalty)}
    assert check(s.healthy(steps=steps)).sign("skill") == pytest.approx(0.5, abs=1e-6)


def test_epochs_serve_where_steps_are_missing():
    run = Run("epochs", s.card(), epochs=s.epochs(loss=np.full(20, CHANCE / 2)), targets=s.target_table())
    assert check(run).sign("skill") == pytest.approx(0.5, abs=1e-6)


def test_a_single_loss_has_a_skill():
    assert check(s.healthy(steps=s.loss([CHANCE / 2]))).state == "not_found"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_loss_that_ends_not_finite_has_no_skill(value):
    assert check(s.healthy(steps=s.loss(np.r_[np.full(399, 2.0), value]))).state == "inconclusive"


def test_targets_that_never_vary_leave_nothing_to_beat():
    assert check(s.healthy(targets=s.target_table([1.0, *[0.0] * 9]))).state == "inconclusive"


@pytest.mark.parametrize("changes", [{"targets": None}, {"card": s.card(loss={"name": "my_loss"})}, {"card": None}])
def test_without_a_known_constant_guess_there_is_no_skill(changes):
    assert check(s.healthy(**changes)).state == "not_run"


def test_a_loss_near_the_end_of_the_number_range_has_a_skill_or_none():
    assert check(s.healthy(steps=s.loss(np.full(400, 1.7e308)))).state == "inconclusive"


def test_the_few_batches_that_carry_most_of_the_loss_count():
    tail = np.where(np.arange(400) % 4 == 0, 4 * CHANCE, 0.1 * CHANCE)
    assert check(s.healthy(steps=s.loss(tail))).sign("skill") == pytest.approx(1 - 4.3 / 4, abs=1e-6)


@pytest.mark.parametrize(("factor", "skill"), [(SPIKE * 1.01, 0.5), (SPIKE * 0.99, 0.5 - (SPIKE * 0.99 - 1) / 80)])
def test_a_spike_is_no_level(factor, skill):
    loss = np.full(400, CHANCE / 2)
    loss[390] *= factor
    assert check(s.healthy(steps=s.loss(loss))).sign("skill") == pytest.approx(skill, abs=1e-6)


@pytest.mark.parametrize(("start", "state"), [(SCALED * 0.99, "not_run"), (SCALED * 1.01, "not_found")])
def test_a_loss_that_starts_at_a_millionth_of_a_guess_is_scaled_and_has_no_reference(start, state):
    assert check(s.healthy(steps=s.loss(np.full(400, start * CHANCE)))).state == state


def test_grey_targets_are_not_held_against_a_model():
    card = s.card(loss={"name": "binary_crossentropy"})
    grey = s.target_table([0.5], spread=[0.25])  # a quarter of a hard label's variance
    run = s.healthy(card=card, targets=grey, steps=s.loss(s.flat(level=0.8 * np.log(2), noise=1e-4)))
    assert check(run).sign("skill") == pytest.approx(0.2 / 0.25, abs=0.01)


def test_of_a_loss_without_a_formula_the_loss_itself_is_the_reference():
    found = check(a.guessing())
    assert found.found and found.sign("level") == "none" and "dealt to other examples" in found.evidence[0].text
    some = check(a.learned())
    assert some.sign("level") == "some" and some.sign("skill") == pytest.approx(0.68, abs=0.05)
    assert some.sign("constant_loss") == pytest.approx(1.0, rel=0.05)


def test_a_formula_comes_first_where_there_is_one():
    curve = s.healthy().steps["loss"].values[a.STEPS - 1]
    run = s.healthy(data=a.table({"output": {"loss": curve, "loss_shuffled": 9 * curve}}))
    assert check(run).sign("constant_loss") == pytest.approx(np.log(s.CLASSES))
    assert check(run).sign("shuffled") == pytest.approx(1 - 1 / 9)


def test_above_an_unknown_floor_no_share_is_given():
    found = check(a.floored())
    assert (found.sign("skill"), found.sign("level")) == (None, "open")
    assert found.sign("at_least") == pytest.approx(0.6, abs=0.05) and "or more" in found.evidence[0].text
    assert found.sign("shuffled_loss") == pytest.approx(3.0, rel=0.02) and found.sign("constant_loss") is None


def test_of_several_outputs_the_worst_one_is_shown_first():
    found = check(a.heads(a.well(), a.at_chance()))
    assert found.found and found.sign("behind") == "b" and found.sign("skill") == pytest.approx(0, abs=0.05)
    assert len(found.evidence) == 2 and "'b'" in found.evidence[0].text and "'a'" in found.evidence[1].text
    both = check(a.heads(a.at_chance(), a.at_chance()))
    assert both.found and both.sign("behind") is None


def test_the_log_says_why_nothing_was_measured():
    own = a.own(settings={"not_measured": "the loss is computed inside train_step"})
    needs = check(a.run(s.flat(), {}, card=own)).needs
    assert (
        needs
        == "what a guess scores in this loss, which was not measured because the loss is computed inside train_step"
    )


def test_batches_of_one_kind_say_nothing():
    alike = a.guessing(targets={"diversity": 0.0})
    assert check(alike).state == "inconclusive" and "targets vary" in check(alike).needs


def test_too_few_samples_say_nothing():
    assert check(a.guessing(data=s.first_steps(a.guessing().data, 2))).state == "inconclusive"


def test_a_loss_below_zero_has_no_share_of_what_cannot_be():
    assert check(s.healthy(steps=s.loss(s.flat(-2000.0)))).state == "inconclusive"


def test_a_formula_for_a_part_of_the_loss_says_nothing_of_the_whole():
    run = s.healthy(data=a.table({"output": {"loss": 0.01, "loss_shuffled": 0.09}}))
    found = check(run)
    assert found.sign("constant_loss") is None and found.sign("on_curve") is False
    assert found.sign("shuffled") == pytest.approx(1 - 1 / 9)

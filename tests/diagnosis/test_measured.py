"""What the log says of a loss that was asked again: which samples count, and what is known of its least value."""

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.measured import (
    FEWEST,
    NEWEST,
    asks_for_its_targets,
    constant,
    has_several,
    is_the_loss,
    leaves_out,
    measured,
    not_varied,
)
from tb_lossdiag.run import Run


def with_targets(run: Run, diversity) -> Run:
    data = run.data
    values = data.values.copy()
    values[:, 1, data.columns.index("diversity")] = diversity
    return replace(run, data=replace(data, values=values))


def test_each_output_whose_loss_was_asked_again_has_its_references():
    one, two = measured(a.heads(a.at_chance(), a.well()))
    assert (one.output, two.output) == ("a", "b")
    assert len(one.steps) == len(a.STEPS) and np.allclose(two.constant, 1600)


@pytest.mark.parametrize("run", [Run("empty"), s.healthy(), s.healthy(data=None), a.run(s.flat(), {})])
def test_without_a_reference_nothing_was_measured(run):
    assert measured(run) == () and not not_varied(run) and constant(run) is None


def test_batches_whose_targets_are_alike_say_nothing():
    alike = np.where(np.arange(len(a.STEPS)) % 2 == 0, 0.0, 0.6)
    assert len(measured(with_targets(a.guessing(), alike))[0].steps) == len(a.STEPS) // 2
    assert measured(with_targets(a.guessing(), 0.0)) == () and not_varied(with_targets(a.guessing(), 0.0))
    assert len(measured(with_targets(a.guessing(), np.nan))[0].steps) == len(a.STEPS)  # nobody knows: they count


def test_the_newest_samples_are_of_the_last_half_and_few():
    newest = measured(a.guessing())[0].newest()
    assert len(newest.steps) == NEWEST and newest.steps[-1] == 400 and newest.steps[0] >= 200
    early = measured(a.guessing(data=s.first_steps(a.guessing().data, 4)))[0].newest()
    assert len(early.steps) == FEWEST


@pytest.mark.parametrize(("name", "column", "least"), [
    ("huber", np.nan, 0.0), ("my_loss", np.nan, None), ("my_loss", 0.1, 0.1), ("my_loss", 2.0, None),
])  # fmt: skip
def test_a_least_value_is_known_by_name_or_by_perfect_outputs_that_nothing_beats(name, column, least):
    run = a.guessing(references={"loss_least": column}, card=a.own(loss={"name": name}))
    known = measured(run)[0].least
    assert known is None if least is None else known == pytest.approx(least)
    assert asks_for_its_targets(run) is (least is not None)


def test_the_best_constant_of_a_batch_is_no_reference_for_more_classes_than_it_has_examples():
    many = s.with_layer(a.own(), "output", units=100)
    assert np.isnan(measured(a.guessing(card=many))[0].constant).all()
    assert np.isfinite(measured(a.guessing(card=many, references={"loss_shuffled": np.nan}))[0].constant).all()


def test_a_measured_constant_guess_stands_for_a_derived_one_on_the_curve_of_a_loss_that_comes_to_zero():
    assert constant(a.learned()) == pytest.approx(1.0, rel=0.02)
    assert constant(a.learned(references={"loss_least": 0.5})) is None  # 1 - loss / constant is not the skill
    assert constant(a.learned(references={"loss_constant": np.nan})) is None


def test_a_loss_with_other_parts_has_no_measured_guess():
    run = a.learned()
    assert constant(replace(run, steps=s.loss(run.steps["loss"].values + 5))) is None
    with_penalty = {**s.loss(run.steps["loss"].values + 5), "penalty": s.series(np.full(400, 5.0))}
    assert constant(replace(run, steps=with_penalty)) == pytest.approx(1.0, rel=0.02)
    assert constant(replace(run, steps={})) is None


def test_several_outputs_have_no_one_guess():
    run = a.heads(a.well(1.0, 0.1), a.well())
    assert has_several(run) and not has_several(a.learned()) and constant(run) is None


@pytest.mark.parametrize(("name", "is_measured"), [("negative_reward", False), ("poisson", True)])
def test_a_gain_of_ones_own_has_no_targets_to_reach(name, is_measured):
    """Its value at the "targets" is far below 0, and no output is to equal them."""
    loss = s.falling(-1.0, -3.0)
    references = {"loss_shuffled": -2.0, "loss_constant": -2.5, "loss_least": -12.0}
    assert bool(measured(a.run(loss, references, card=a.own(loss={"name": name})))) is is_measured


def _beside_its_own(total):
    """A run whose output's own loss is 1 and scatters, beside what is brought down."""
    own = a.noisy(np.ones(len(a.STEPS)), 0.2)
    curve = np.interp(np.arange(1, 401), a.STEPS, total(own))
    references = {"loss": own, "loss_shuffled": 2.0, "loss_constant": 1.5}
    run = s.healthy(data=a.table({"output": references}), targets=None, card=a.own(), steps=s.loss(curve))
    return run, measured(run)[0]


def test_a_loss_beside_other_terms_is_another_and_a_masked_one_leaves_out():
    assert is_the_loss(*_beside_its_own(lambda own: own))
    assert not is_the_loss(*_beside_its_own(lambda own: own + 0.5))
    assert not leaves_out(*_beside_its_own(lambda own: own + 0.5))
    assert leaves_out(*_beside_its_own(lambda own: np.linspace(0.9, 0.1, len(own))))
    assert not leaves_out(*_beside_its_own(lambda own: 0.01 * own))  # a weight

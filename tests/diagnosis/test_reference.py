"""The constant guess's score against formulas on the whole data, which the reference only sees batch by batch."""

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.reference import (
    WEIGHED,
    attainable_share,
    constant_loss,
    counts_the_frequent,
    known_targets,
    loss_name,
    pooled_mean,
    pooled_variance,
    value_range,
    weighs_examples,
)
from tb_lossdiag.run import ModelCard, Row, Run, Table


def recorded(batches) -> Table:
    """What is recorded of targets [batches, batch size, outputs]."""
    batches = np.asarray(batches, float)
    deviation = np.abs(batches - np.median(batches, axis=1, keepdims=True)).mean(axis=1)
    values = np.stack([batches.mean(axis=1), batches.std(axis=1), deviation], axis=2)
    rows = tuple(Row(str(i), "target") for i in range(batches.shape[2]))
    return Table(np.arange(len(batches)) + 1, rows, ("mean", "std", "mean_abs_deviation"), values)


def guess(loss, targets) -> float | None:
    return constant_loss(Run("run", ModelCard(loss={"name": loss}), targets=targets))


def drifting(outputs=3) -> np.ndarray:
    """Targets [8, 50, outputs] whose mean and spread differ from batch to batch."""
    generator = np.random.default_rng(0)
    return generator.normal(
        generator.normal(0, 5, (8, 1, outputs)), generator.uniform(0.5, 3, (8, 1, outputs)), (8, 50, outputs)
    )


def one_hot(batches=8) -> np.ndarray:
    labels = np.random.default_rng(1).choice(5, (batches, 50), p=[0.5, 0.2, 0.15, 0.1, 0.05])
    return np.eye(5)[labels]


def test_the_pooled_mean_and_variance_are_those_of_all_data():
    data = drifting()
    assert pooled_mean(recorded(data)) == pytest.approx(data.reshape(-1, 3).mean(axis=0))
    assert pooled_variance(recorded(data)) == pytest.approx(data.reshape(-1, 3).var(axis=0))


def test_a_squared_error_scores_the_variance():
    data = drifting()
    assert guess("mse", recorded(data)) == pytest.approx(((data - data.mean(axis=(0, 1))) ** 2).mean())


@pytest.mark.parametrize("name", ["categorical_crossentropy", "SparseCategoricalCrossentropy"])
def test_a_cross_entropy_scores_the_entropy_of_the_labels(name):
    share = one_hot().mean(axis=(0, 1))
    assert guess(name, recorded(one_hot())) == pytest.approx(-np.mean(np.log(share[one_hot().argmax(axis=2)])))


def test_a_class_that_never_occurs_adds_nothing():
    assert guess("categorical_crossentropy", s.target_table([0.5, 0.5, 0.0])) == pytest.approx(np.log(2))


def test_a_binary_cross_entropy_scores_the_mean_entropy_of_its_labels():
    labels = (np.random.default_rng(2).random((8, 50, 3)) < [0.5, 0.1, 0.9]).astype(float)
    p = labels.mean(axis=(0, 1))
    expected = -np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p))
    assert guess("binary_crossentropy", recorded(labels)) == pytest.approx(expected)


def test_an_absolute_error_scores_the_mean_distance_to_the_median():
    data = drifting()[:1]
    assert guess("mae", recorded(data)) == pytest.approx(np.abs(data - np.median(data, axis=1)).mean())


def test_batches_with_values_that_are_not_finite_are_left_out():
    data = drifting()
    table = recorded(np.concatenate([data, np.full((1, 50, 3), np.nan)]))
    table.values[8, :, 1] = np.inf
    assert guess("mse", table) == pytest.approx(guess("mse", recorded(data)))


def test_shares_that_are_only_a_part_of_the_classes_have_no_known_entropy():
    assert guess("sparse_categorical_crossentropy", s.target_table([0.3, 0.3])) is None


@pytest.mark.parametrize(("loss", "targets"), [
    ("huber", s.target_table()),
    ("", s.target_table()),
    ("mse", None),
    ("mse", s.first_steps(s.target_table(), 0)),
    ("mse", s.filled(s.target_table(), np.nan)),
    ("mse", s.without_column(s.target_table(), "std")),
    ("mae", s.without_column(s.target_table(), "mean_abs_deviation")),
    ("mae", s.target_table()),
    ("categorical_crossentropy", s.target_table([1.0])),
])  # fmt: skip
def test_what_is_not_known_is_none(loss, targets):
    assert guess(loss, targets) is None


def test_without_a_card_no_loss_is_known():
    assert constant_loss(Run("run", targets=s.target_table())) is None


def test_targets_are_known_when_each_of_them_was_finite_once():
    table = s.target_table([0.5, 0.5])
    table.values[1:, 0] = np.nan
    assert known_targets(Run("run", targets=table)) is table
    table.values[0, 0] = np.inf
    assert known_targets(Run("run", targets=table)) is None


@pytest.mark.parametrize(("written", "name"), [
    ("mse", "mse"), ("mean_squared_error", "mean_squared_error"), ("MeanSquaredError", "mean_squared_error"),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"), ("BinaryCrossentropy", "binary_crossentropy"),
])  # fmt: skip
def test_a_loss_has_one_name_however_it_was_given(written, name):
    assert loss_name(ModelCard(loss={"name": written})) == name


def test_a_range_is_that_of_the_finite_values():
    data = s.data_table(target={"min": -3.0, "max": 9.0})
    data.values[2:, 1, :2] = np.inf
    assert value_range(Run("run", data=data), "target") == (-3.0, 9.0)
    assert np.isnan(value_range(Run("run", data=data.of_kind("input")), "target")).all()
    assert np.isnan(value_range(Run("run"), "target")).all()


def attainable(loss, targets) -> float:
    return attainable_share(Run("run", ModelCard(loss={"name": loss}), targets=targets))


@pytest.mark.parametrize("name", ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_hard_labels_can_be_known_wholly(name):
    assert attainable(name, recorded(one_hot())) == 1.0


def test_of_soft_targets_a_perfect_model_saves_what_is_not_their_own_entropy():
    grey = np.random.default_rng(0).beta(0.4, 0.8, (8, 50, 3))
    own = -np.mean(grey * np.log(grey) + (1 - grey) * np.log1p(-grey))
    saved = 1 - own / guess("binary_crossentropy", recorded(grey))
    assert attainable("binary_crossentropy", recorded(grey)) == pytest.approx(saved, abs=0.05)


def test_other_losses_and_targets_that_never_vary_leave_everything_to_gain():
    assert attainable("mse", recorded(drifting())) == 1.0
    assert attainable("binary_crossentropy", recorded(np.zeros((8, 50, 1)))) == 1.0
    assert attainable_share(Run("run")) == 1.0


def test_of_several_outputs_a_range_is_that_of_one():
    first = s.data_table(target={"min": 0.0, "max": 1.0})
    two = s.with_rows(first, (Row("target:other", "target"),))
    two.values[:, -1, :2] = (20.0, 60.0)
    assert value_range(Run("run", data=two), "target") == (0.0, 1.0)
    assert value_range(Run("run", data=two), "target", 1) == (20.0, 60.0)
    assert np.isnan(value_range(Run("run", data=two), "target", 2)).all()


RARE = 0.05
EQUAL = -(RARE * np.log(RARE) + (1 - RARE) * np.log1p(-RARE))


@pytest.mark.parametrize(
    ("given", "times", "told"),
    [
        (False, 0.95 * WEIGHED, None),
        (False, 1.05 * WEIGHED, "equal weights would score 0.1985"),
        (True, 1.0, "weights"),
    ],
)
def test_examples_count_differently_by_weights_or_by_a_loss_that_says_so(given, times, told):
    card = s.card(loss={"name": "binary_crossentropy"}, settings={"sample_weight": given})
    said = weighs_examples(replace(a.learned(times * EQUAL, card=card), targets=s.target_table([RARE])))
    assert said is None if told is None else told in said


@pytest.mark.parametrize(("times", "told"), [(0.3, True), (0.6, False), (1.0, False), (4.0, False)])
def test_weights_that_favour_the_frequent_make_a_constant_guess_cheap(times, told):
    card = a.own(loss={"name": "binary_crossentropy"}, settings={"sample_weight": True})
    run = replace(a.learned(times * EQUAL, card=card), targets=s.target_table([RARE]))
    assert (counts_the_frequent(run) is not None) is told


@pytest.mark.parametrize(("favoured", "told"), [(0.3, True), (1.0, False)])
def test_how_much_examples_count_on_average_is_read_off_the_first_loss(favoured, told):
    """Weights of about 10, which make the first loss and the guess ten times as large."""
    card = a.own(loss={"name": "binary_crossentropy"}, settings={"sample_weight": True})
    loss = 10 * favoured * EQUAL * np.ones(400)
    loss[0] = 10 * np.log(2)
    references = {"loss_constant": 10 * favoured * EQUAL, "loss_shuffled": 20.0, "loss_least": 0.0,
                  "min": 0.4, "max": 0.6}  # fmt: skip
    run = replace(a.run(loss, references, card=card), targets=s.target_table([RARE]))
    assert (counts_the_frequent(run) is not None) is told
    if told:
        assert "weights of 10 on average" in counts_the_frequent(run)


def test_of_other_losses_no_weights_are_told():
    assert counts_the_frequent(a.learned(0.1)) is None

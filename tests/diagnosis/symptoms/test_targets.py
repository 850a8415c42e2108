from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.targets import LARGE, MAJORITY, MAJORITY_OF_TWO, SEVERAL, SPARSE, WHOLE, check


def labels(mean=None, loss="sparse_categorical_crossentropy", spread=None, **facts):
    return s.healthy(
        card=s.card(loss={"name": loss}), targets=s.target_table(mean, spread), data=s.data_table(target=facts)
    )


def shares(top):
    return [top, *np.full(9, (1 - top) / 9)]


@pytest.mark.parametrize(("run", "level", "value", "threshold"), [
    (labels(out_of_range=2.0, max=10.0), "out_of_range", 39 * 2.0, 0.0),
    (labels(min=0.0, max=0.99), "fractional", pytest.approx(0.99), 1.0),
    (labels([0.5], "binary_crossentropy", min=-1.0, max=1.0), "out_of_range", 1.0, 1.0),
    (labels([0.5], "binary_crossentropy", min=0.0, max=2.0), "out_of_range", 2.0, 1.0),
    (labels(shares(1.0), min=3.0, max=3.0), "constant", 1.0, 1.0),
    (labels([1.0], "binary_crossentropy", min=1.0, max=1.0), "constant", 1.0, 1.0),
    (labels([7.0], "mse", [0.0], min=7.0, max=7.0), "constant", 0.0, 0.0),
])  # fmt: skip
def test_targets_that_cannot_be_learned_are_found(run, level, value, threshold):
    found = check(run)
    assert (found.state, found.sign("level"), found.onset) == ("found", level, 0)
    (evidence,) = found.evidence
    assert (evidence.value, evidence.threshold, evidence.steps) == (value, threshold, (1, 400))


@pytest.mark.parametrize(("top", "level"), [(MAJORITY - 0.01, "normal"), (MAJORITY + 0.01, "imbalanced")])
def test_one_class_above_nine_tenths_is_an_imbalance(top, level):
    assert check(labels(shares(top))).sign("level") == level
    binary = {"min": 0.0, "max": 1.0, "loss": "binary_crossentropy"}
    assert check(labels([top], **binary)).sign("level") == level
    assert check(labels([1 - top], **binary)).sign("level") == level


def test_rare_labels_among_several_are_no_imbalance():
    assert check(labels([0.01, 0.02, 0.5], "binary_crossentropy", min=0.0, max=1.0)).state == "not_found"


@pytest.mark.parametrize("loss", ["mse", "MeanAbsoluteError"])
@pytest.mark.parametrize(("size", "level"), [(LARGE * 0.99, "normal"), (LARGE * 1.01, "large")])
def test_targets_far_from_one_are_large(loss, size, level):
    found = check(labels([0.0], loss, [size], min=-3 * size, max=3 * size))
    assert found.sign("level") == level
    assert found.evidence[0].value == pytest.approx(size) and found.evidence[0].threshold == LARGE


def test_an_offset_counts_as_much_as_a_spread():
    assert check(labels([500.0], "mse", [1.0], min=497.0, max=503.0)).sign("level") == "large"


def test_an_unknown_loss_may_have_targets_of_any_size():
    assert check(labels([500.0], "my_loss", [100.0], min=0.0, max=900.0)).state == "not_found"


@pytest.mark.parametrize("loss", ["huber", "log_cosh", "SmoothL1Loss"])
def test_every_distance_asks_for_the_targets_as_they_are(loss):
    assert check(labels([500.0], loss, [100.0], min=0.0, max=900.0)).sign("level") == "large"


def far_off(first=3e4, low=2842.5, high=7179.5, reached=18.0, **changes):
    """A loss of the user's own on targets of thousands."""
    references = {"loss_shuffled": 2e4, "loss_shuffled_change": 0.5, "min": -reached, "max": reached}
    facts = {"min": low, "max": high, "mean": 5000.0, "std": 1300.0}
    run = a.run(s.falling(first, first / 100, 1.0), {**references, **changes}, facts)
    return replace(run, targets=s.target_table([5000.0], [1300.0]))


def test_numbers_under_a_loss_of_the_users_own_are_known_by_where_it_begins():
    assert check(far_off()).sign("level") == "large" and check(far_off(first=2.0)).state == "not_found"


def test_whole_numbers_may_be_names_unless_the_loss_is_lowest_at_them():
    assert check(far_off(low=12.0, high=9000.0)).state == "not_found"
    assert check(far_off(low=12.0, high=9000.0, loss_least=0.0, loss_constant=2e4)).sign("level") == "large"


def test_counts_have_the_size_they_have():
    run = far_off(loss_least=0.0, loss_constant=2e4)
    assert check(replace(run, card=a.own(loss={"name": "Poisson"}))).state == "not_found"


def test_targets_that_the_training_makes_itself_may_grow_with_its_outputs():
    grown = np.where(a.STEPS > 100, 5e3, 1.0)
    facts = {"min": -grown, "max": grown, "mean": grown, "std": 1.0}
    run = a.run(s.falling(9e3, 1.0, 1.0), {"loss_shuffled": 2e4}, facts, card=a.own(loss={"name": "huber"}))
    assert check(replace(run, targets=s.target_table([4e3], [1e3]))).state == "not_found"


@pytest.mark.parametrize(("reached", "unreached"), [(18.0, True), (4000.0, False)])
def test_outputs_that_never_came_to_the_targets_are_told(reached, unreached):
    assert check(far_off(reached=reached)).sign("unreached") is unreached


def test_the_targets_of_every_output_are_looked_at():
    run = a.heads(a.well(0.7, 0.1), a.well(1e6, 9e5), targets={"mean": 0.0, "std": 1000.0, "min": -3e3, "max": 3e3})
    found = check(replace(run, targets=s.target_table([0.5], [0.5])))
    assert found.sign("level") == "large" and "Targets of 'b'" in found.evidence[0].text


def test_the_range_is_kept_for_the_fix():
    found = check(labels(out_of_range=1.0, min=1.0, max=10.0))
    assert (found.sign("min"), found.sign("max")) == (1.0, 10.0)
    assert "39 recorded labels lie outside 0 … 9" in found.evidence[0].text


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_targets_that_are_never_finite_decide_nothing(value):
    assert check(labels(min=value, max=value)).state == "inconclusive"
    assert check(s.healthy(targets=s.filled(s.target_table(), value))).state == "inconclusive"


def test_without_recorded_targets_the_check_asks_for_them():
    assert check(s.healthy(targets=None)).state == "not_run"
    assert check(s.healthy(data=None)).state == "not_run"
    assert check(s.healthy(card=None)).state == "not_run"


@pytest.mark.parametrize(("share", "level"), [(WHOLE / s.CLASSES * 0.99, "none_hot"), (1 / s.CLASSES, "normal")])
def test_one_hot_labels_without_a_class_are_found(share, level):
    run = s.healthy(card=s.card(loss={"name": "categorical_crossentropy"}), targets=s.target_table([share] * s.CLASSES))
    assert check(run).sign("level") == level


@pytest.mark.parametrize(("rows", "level"), [(SEVERAL * 1.01, "many_hot"), (1.0, "normal"), (1.04, "normal")])
def test_rows_of_several_labels_under_a_loss_for_one_are_found(rows, level):
    shares = [rows / s.CLASSES] * s.CLASSES
    run = s.healthy(card=s.card(loss={"name": "categorical_crossentropy"}), targets=s.target_table(shares))
    assert check(run).sign("level") == level


def test_they_are_told_to_take_a_loss_for_each_label():
    targets = s.target_table([3.0 / s.CLASSES] * s.CLASSES)
    run = s.stuck(card=s.card(loss={"name": "categorical_crossentropy"}), targets=targets)
    first = diagnose_run(run).first
    assert (first.id, first.confidence) == ("loss_mismatch", "likely") and "binary_crossentropy" in first.fix.code


@pytest.mark.parametrize(
    ("share", "level"), [(MAJORITY_OF_TWO - 0.01, "normal"), (MAJORITY_OF_TWO + 0.01, "imbalanced")]
)
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_pairs_of_which_one_kind_is_rare_are_an_imbalance_under_any_loss(share, level, low):
    for top in (share, 1 - share):
        mean, spread = low + top * (1 - low), (1 - low) * np.sqrt(share * (1 - share))
        assert check(labels([mean], "contrastive_loss", [spread], min=low, max=1.0)).sign("level") == level


def test_numbers_between_two_ends_are_no_kinds():
    assert check(labels([0.05], "my_loss", [0.1], min=0.0, max=1.0)).sign("level") == "normal"


@pytest.mark.parametrize(("run", "told"), [
    (labels([7.0], "mse", [0.0], min=7.0, max=7.0), "Every recorded target is 7;"),
    (labels([1.0, 2.0, 3.0], "mse", [0.0] * 3, min=1.0, max=3.0), "Each of the 3 targets of an example is the same"),
    (labels([1.0, 0.0], "binary_crossentropy", min=0.0, max=1.0), "Each of the 2 labels of an example is the same"),
    (labels([1.0], "binary_crossentropy", min=1.0, max=1.0), "Every recorded label is 1;"),
    (labels([0, 0, 1.0], "categorical_crossentropy", min=0.0, max=1.0), "Every recorded label is class 2;"),
])  # fmt: skip
def test_what_never_varies_is_told_as_it_is(run, told):
    found = check(run)
    assert found.sign("level") == "constant" and found.evidence[0].text.startswith(told)


@pytest.mark.parametrize(("spread", "level"), [(SPARSE * 1.1, "sparse"), (SPARSE * 0.9, "normal")])
def test_targets_that_are_zero_nearly_everywhere_are_sparse(spread, level):
    def heat(low):
        elements = {"min": low, "max": 0.99, "mean": 0.006, "std": 0.006 * spread}
        return replace(labels([0.006], "mse", [0.05]), data=s.data_table(target=elements))

    assert check(heat(0.0)).sign("level") == level
    assert check(heat(-0.9)).sign("level") == "normal"


def test_labels_that_hardly_ever_hold_are_rare_and_classes_that_exclude_each_other_are_not():
    card = s.card(loss={"name": "binary_crossentropy"})
    data = s.data_table(target={"min": 0.0, "max": 1.0})
    rare = check(s.healthy(card=card, data=data, targets=s.target_table(np.full(200, 0.015))))
    assert (rare.state, rare.sign("level")) == ("found", "imbalanced") and "of 200 labels" in rare.evidence[0].text
    usual = check(s.healthy(card=card, data=data, targets=s.target_table(np.full(200, 0.05))))
    classes = check(s.healthy(card=card, data=data, targets=s.target_table(np.full(100, 0.01))))
    assert usual.sign("level") == classes.sign("level") == "normal"


def test_class_numbers_whose_shares_were_not_recorded_are_no_constant():
    """As under a contrastive loss, where each example of a batch is a class of its own."""
    card = s.card(loss={"name": "sparse_categorical_crossentropy"}, settings={"target_kind": "values"})
    data = s.data_table(target={"min": 0.0, "max": 63.0, "mean": 31.5, "std": 18.5})
    found = check(s.healthy(card=card, data=data, targets=s.target_table([31.5], [18.5])))
    assert found.state == "not_found" and "0 to 63" in found.evidence[0].text

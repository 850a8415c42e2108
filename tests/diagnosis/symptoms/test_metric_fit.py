import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.metric_fit import MAJORITY, check
from tb_lossdiag.run import Row


def compiled(loss, targets, *metrics, from_logits=False):
    card = s.card(loss={"name": loss, "from_logits": from_logits}, metrics=metrics)
    return s.healthy(card=card, targets=targets)


NUMBERS = s.target_table([0.4], [0.3])
YES_OR_NO = s.target_table([0.4])
TWO_LABELS = s.target_table([0.4, 0.4])
ONE_HOT = s.target_table([0.2, 0.3, 0.5])
CROSS = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(("run", "fault"), [
    (compiled("mse", NUMBERS, "accuracy"), "accuracy_for_regression"),
    (compiled("MeanAbsoluteError", s.target_table([3.0], [2.0]), "mae", "acc"), "accuracy_for_regression"),
    (compiled("mse", NUMBERS, "mae"), "none"),
    (compiled("mse", YES_OR_NO, "accuracy"), "none"),
    (compiled("mse", ONE_HOT, "categorical_accuracy"), "none"),
    (compiled("mse", NUMBERS, "compile_metrics", "loss"), "none"),
    (compiled(CROSS, s.target_table([MAJORITY + 0.001, 0.099]), "accuracy"), "accuracy_on_imbalance"),
    (compiled(CROSS, s.target_table([MAJORITY - 0.001, 0.101]), "accuracy"), "none"),
    (compiled(CROSS, s.target_table([0.95, 0.05]), "accuracy", "auc"), "none"),
    (compiled(CROSS, s.target_table([1.0, 0.0]), "accuracy"), "none"),
    (compiled("binary_crossentropy", s.target_table([0.05]), "accuracy"), "accuracy_on_imbalance"),
    (compiled("binary_crossentropy", s.target_table([0.05, 0.04]), "binary_accuracy"), "none"),
    (compiled("BinaryCrossentropy", YES_OR_NO, "accuracy", from_logits=True), "accuracy_on_logits"),
    (compiled("BinaryCrossentropy", TWO_LABELS, "accuracy", from_logits=True), "none"),
    (compiled("BinaryCrossentropy", TWO_LABELS, "binary_accuracy", from_logits=True), "accuracy_on_logits"),
    (compiled("BinaryCrossentropy", YES_OR_NO, "accuracy"), "none"),
    (compiled(CROSS, ONE_HOT, "accuracy", from_logits=True), "none"),
    (compiled("mine", NUMBERS, "accuracy"), "none"),
])  # fmt: skip
def test_an_accuracy_must_fit_the_task(run, fault):
    found = check(run)
    assert found.sign("fault") == fault
    assert found.found is (fault in ("accuracy_for_regression", "accuracy_on_imbalance"))
    assert found.onset == (0 if found.found else None)


def test_the_evidence_names_the_metric_and_what_looking_away_scores():
    text = check(compiled(CROSS, s.target_table([0.95, 0.05]), "accuracy")).evidence[0].text
    assert text == "'accuracy' is the only metric, and always giving the same answer scores 95.0% in it."


def test_unknown_targets_decide_nothing():
    assert check(compiled("mse", None, "accuracy")).state == "inconclusive"
    assert check(compiled("mse", s.target_table([np.nan]), "accuracy")).state == "inconclusive"


@pytest.mark.parametrize("card", [None, s.card(loss={}, metrics=("accuracy",))])
def test_without_a_compiled_loss_the_check_asks_for_it(card):
    assert check(s.healthy(card=card)).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for loss in ("mse", "binary_crossentropy", CROSS):
        for run in s.hostile(compiled(loss, YES_OR_NO, "accuracy", from_logits=True)):
            assert check(run).id == "metric_fit"


def test_a_binary_accuracy_of_many_classes_is_found():
    run = s.healthy(card=s.card(metrics=("binary_accuracy",), loss={"name": "categorical_crossentropy"}))
    assert (check(run).state, check(run).sign("fault")) == ("found", "binary_for_classes")
    assert f"{s.CLASSES} classes" in check(run).evidence[0].text


def with_heads(*outputs, reported=()):
    """Two outputs, of which the targets of the first are recorded: numbers under a squared error."""
    rows = tuple(Row(f"target:{name}", "target") for name in outputs)
    card = s.card(loss={"name": "mse"}, metrics=("accuracy", "mae"), data_rows=rows)
    return s.healthy(card=card, targets=NUMBERS, epochs=s.epochs(**{name: [0.5] for name in reported}))


def test_a_metric_of_one_head_is_not_held_against_the_targets_of_another():
    run = with_heads("age", "kind", reported=("loss", "kind_accuracy", "age_mae"))
    assert check(run).sign("fault") == "none"


def test_a_metric_of_the_head_whose_targets_are_known_is_judged():
    run = with_heads("age", "kind", reported=("loss", "age_accuracy", "age_mae"))
    assert check(run).sign("fault") == "accuracy_for_regression"


def test_before_the_first_epoch_nobody_knows_which_metric_is_whose():
    assert check(with_heads("age", "kind")).state == "inconclusive"

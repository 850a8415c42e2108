from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.metric_frozen import FROZEN, IMBALANCED, LAGGING, LEARNED, MIN_EPOCHS, check

CHANCE = np.log(s.CLASSES)


def ended(skill, accuracy, start=CHANCE, name="accuracy", count=10, **changes):
    """Ten classes at chance first; the loss ends at this skill, the accuracy at this value."""
    curves = {"loss": np.linspace(start, CHANCE * (1 - skill), count), name: np.linspace(0.1, accuracy, count)}
    return s.healthy(epochs=s.epochs(**curves), **changes)


@pytest.mark.parametrize(("skill", "state"), [(LEARNED - 0.01, "not_found"), (LEARNED + 0.01, "found")])
def test_the_loss_must_have_learned_for_its_accuracy_to_lag(skill, state):
    assert check(ended(skill, accuracy=0.12)).state == state


@pytest.mark.parametrize(("share", "state"), [(LAGGING - 0.01, "found"), (LAGGING + 0.01, "not_found")])
@pytest.mark.parametrize("skill", [0.35, 1.0])
def test_an_accuracy_has_to_follow_what_the_loss_has_learned(skill, share, state):
    found = check(ended(skill, accuracy=0.1 + 0.9 * share * skill))
    assert found.state == state and found.sign("gained") == pytest.approx(share * skill)


@pytest.mark.parametrize(("gained", "state"), [(FROZEN - 0.01, "found"), (FROZEN + 0.01, "not_found")])
def test_an_accuracy_that_stands_still_is_frozen_below_a_tenth(gained, state):
    accuracy = np.full(10, 0.1 + 0.9 * gained)
    loss = np.linspace(CHANCE, 0.8 * CHANCE, 10)  # fallen, but not learned by LEARNED
    assert check(s.healthy(epochs=s.epochs(loss=loss, accuracy=accuracy))).state == state


def test_the_evidence_carries_accuracy_and_the_majority_share():
    (evidence,) = check(ended(0.5, accuracy=0.1)).evidence
    assert (evidence.value, evidence.threshold) == (pytest.approx(0.1), pytest.approx(0.1))
    assert evidence.steps == (20, 200) and "from 10.0% to 10.0%" in evidence.text


def test_a_penalty_that_keeps_the_loss_high_hides_no_frozen_accuracy():
    assert check(ended(-1.0, accuracy=0.1, start=4 * CHANCE)).state == "found"
    assert check(ended(-1.0, accuracy=0.12, start=4 * CHANCE)).state == "not_found"


@pytest.mark.parametrize(("share", "state"), [(IMBALANCED - 0.02, "found"), (IMBALANCED + 0.02, "not_found")])
def test_where_one_label_dominates_the_accuracy_may_stand_still(share, state):
    run = s.healthy(
        card=s.with_layer(s.card(loss={"name": "binary_crossentropy"}), "output", units=1, activation="sigmoid"),
        targets=s.target_table([share]),
        epochs=s.epochs(loss=np.linspace(0.7, 0.1, 10), accuracy=np.full(10, share)),
    )
    assert check(run).state == state


def test_several_labels_at_once_are_read_from_binary_accuracy_only():
    card = s.card(loss={"name": "binary_crossentropy"})
    assert check(ended(0.9, 0.1, card=card)).state == "not_run"
    run = ended(0.9, 0.1, card=card, name="binary_accuracy", targets=s.target_table(np.full(s.CLASSES, 0.5)))
    assert check(run).state == "found"


@pytest.mark.parametrize(("count", "state"), [(MIN_EPOCHS - 1, "inconclusive"), (MIN_EPOCHS, "found")])
def test_few_epochs_decide_nothing(count, state):
    assert check(ended(0.5, 0.1, count=count)).state == state


def test_curves_that_are_not_finite_decide_nothing():
    assert check(ended(0.5, np.nan)).state == "inconclusive"
    assert check(ended(np.nan, 0.1)).state == "inconclusive"


def test_an_accuracy_without_losses_decides_nothing():
    epochs = {**s.epochs(accuracy=np.full(10, 0.1)), **s.epochs(loss=[])}
    assert check(s.healthy(epochs=epochs)).state == "inconclusive"


@pytest.mark.parametrize("changes", [{"epochs": {}}, {"targets": None}, {"card": s.card(loss={"name": "mse"})}])
def test_without_accuracy_targets_or_classes_there_is_nothing_to_compare(changes):
    assert check(replace(ended(0.5, 0.1), **changes)).state == "not_run"

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.accuracy import MOSTLY_RIGHT, is_mostly_right, validates_below_chance

SLOW = s.series(np.linspace(2.3, 2.0, 400))  # still nearly a constant guess's


def counted(accuracy, name="accuracy", shares=None, loss="sparse_categorical_crossentropy"):
    card = s.card(loss={"name": loss})
    steps = {"loss": SLOW, "learning_rate": s.series([1e-3] * 400)}
    return s.healthy(card=card, steps=steps, epochs=s.epochs(**{name: [0.2, accuracy]}), targets=s.target_table(shares))


@pytest.mark.parametrize("short", [0.01, -0.01])
@pytest.mark.parametrize(("shares", "most"), [(None, 0.1), ([0.7, 0.3], 0.7)])
def test_nearly_all_answers_must_be_right_beyond_the_most_frequent_one(shares, most, short):
    assert is_mostly_right(counted(most + (1 - most) * (MOSTLY_RIGHT - short), shares=shares)) is (short < 0)


@pytest.mark.parametrize("run", [
    counted(1.0, "val_accuracy"), counted(1.0, "mae"), counted(1.0, loss="mse"), counted(1.0, shares=[1.0, 0.0]),
    counted(float("nan")), s.healthy(card=None, epochs=s.epochs(accuracy=[1.0])), s.healthy(),
])  # fmt: skip
def test_where_nobody_counted_or_one_answer_would_do_nothing_is_said(run):
    assert not is_mostly_right(run)


@pytest.mark.parametrize(("accuracy", "state"), [(0.3, "slow"), (0.996, "learning")])
def test_a_model_that_is_right_nearly_always_is_not_called_slow(accuracy, state):
    assert diagnose_run(counted(accuracy)).verdict.state == state


def validated(accuracy, shares):
    return counted(accuracy, "val_accuracy", shares=shares)


SOME = [0.25] * 4 + [0.0]  # of five classes, the last is never trained on


@pytest.mark.parametrize(("accuracy", "told"), [(0.0, True), (0.06, True), (0.07, False), (0.9, False)])
def test_far_fewer_right_answers_than_guesses_are_told(accuracy, told):
    assert (validates_below_chance(validated(accuracy, SOME)) is not None) is told


def test_classes_that_only_the_validation_data_have_are_blamed_on_rows_in_order():
    first = diagnose_run(validated(0.0, SOME)).first
    assert first.id == "unshuffled_data" and "permutation" in first.fix.code


@pytest.mark.parametrize("run", [validated(0.0, [0.2] * 5), validated(0.5, SOME)])
def test_neither_absent_classes_nor_bad_answers_alone_say_that(run):
    assert all(cause.id != "unshuffled_data" for cause in diagnose_run(run).causes)

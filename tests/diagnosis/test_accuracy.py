import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.accuracy import MOSTLY_RIGHT, is_mostly_right

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

from dataclasses import replace
from functools import partial

import pytest
from keras.initializers import Constant
from keras.regularizers import L2

from benchmarks.zoo import fingerprint as module
from benchmarks.zoo.fingerprint import fingerprint
from benchmarks.zoo.recipe import changed, train
from benchmarks.zoo.recipes import DIGITS
from benchmarks.zoo.training import Training
from benchmarks.zoo.zoo import TRAININGS


def digest(recipe) -> str:
    return fingerprint(Training("healthy-mlp-x", None, partial(train, recipe)))


def test_no_two_trainings_have_the_same():
    assert len({fingerprint(training) for training in TRAININGS}) == len(TRAININGS)


def test_the_same_training_has_the_same():
    regularized = changed(DIGITS, model={"kernel_regularizer": L2(0.5), "bias_initializer": Constant(1.0)})
    equal = changed(DIGITS, model={"kernel_regularizer": L2(0.5), "bias_initializer": Constant(1.0)})
    assert digest(regularized) == digest(equal)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 9},
        {"optimizer": {"learning_rate": 0.5}},
        {"model": {"units": (64, 33)}},
        {"model": {"kernel_regularizer": L2(0.5)}},
        {"data": lambda: None},
        {"fit": {"shuffle": False}},
    ],
)
def test_another_value_anywhere_gives_another(change):
    assert digest(changed(DIGITS, **change)) != digest(DIGITS)


def test_another_body_of_a_function_gives_another(monkeypatch):
    monkeypatch.setattr(module, "OWN", __name__)  # as if the functions below stood in the zoo
    assert digest(replace(DIGITS, data=lambda: 1)) != digest(replace(DIGITS, data=lambda: 2))


def test_another_body_of_a_called_function_gives_another(monkeypatch):
    before = digest(DIGITS)
    monkeypatch.setattr("benchmarks.zoo.data.parted", lambda x, y: None)
    assert digest(DIGITS) != before


def test_another_recording_gives_another(monkeypatch):
    before = digest(DIGITS)
    monkeypatch.setattr(module, "recording_sources", lambda: b"another")
    assert digest(DIGITS) != before

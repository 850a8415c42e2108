"""An optimizer's variables are made before the step is traced where no line of the user's own could tell."""

import keras
import pytest

from recording.small_models import mlp
from tb_lossdiag.recording.slots import make_slots

ENTROPY = keras.losses.SparseCategoricalCrossentropy()
OPTIMIZERS = keras.optimizers


def are_made(*layers, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=None, kind=keras.Sequential):
    model = kind([keras.Input((4,)), *layers, *mlp().layers])
    model.compile(optimizer, loss, metrics=metrics)
    make_slots(model)
    return model.optimizer.built


class OwnStep(keras.Sequential):
    def train_step(self, data):
        return super().train_step(data)


class OwnLoss(keras.Sequential):
    def compute_loss(self, **given):
        return super().compute_loss(**given)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", OPTIMIZERS.LossScaleOptimizer(OPTIMIZERS.Adam())])
def test_for_what_is_all_of_keras_they_are(optimizer):
    assert are_made(keras.layers.Dropout(0.5), optimizer=optimizer, metrics=["accuracy"])
    assert are_made(loss=ENTROPY, metrics=[keras.metrics.SparseCategoricalAccuracy()])


class Own(keras.layers.Layer):
    def call(self, x):
        return x


@pytest.mark.parametrize("layer", [
    Own(), keras.layers.Lambda(lambda x: x), keras.layers.Dense(4, activation=lambda x: x),
    keras.layers.Dense(4, kernel_regularizer=lambda w: 0.0),
])  # fmt: skip
def test_a_layer_that_runs_code_of_the_users_is_traced_as_often_as_without_us(layer):
    assert not are_made(layer)


@pytest.mark.parametrize("changes", [
    {"loss": lambda y, p: ENTROPY(y, p)}, {"metrics": [lambda y, p: y]}, {"kind": OwnStep}, {"kind": OwnLoss},
])  # fmt: skip
def test_so_is_a_step_a_loss_or_a_metric_of_the_users(changes):
    assert not are_made(**changes)


@pytest.mark.skipif(not hasattr(OPTIMIZERS, "ScheduleFreeAdamW"), reason="this Keras has no ScheduleFreeAdamW")
def test_variables_that_begin_as_copies_of_the_weights_are_left_to_keras():
    assert not are_made(optimizer=OPTIMIZERS.ScheduleFreeAdamW())

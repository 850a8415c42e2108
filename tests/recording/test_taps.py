"""Taps: hooks see the watched model's step, see nothing else, and are gone when the step is over."""

import keras
import pytest
import tensorflow as tf
from keras.src.optimizers.base_optimizer import BaseOptimizer

from recording.small_models import LAYERS
from tb_lossdiag.recording.observation import Observation
from tb_lossdiag.recording.taps import watching


def small(name="m"):
    return keras.Sequential([LAYERS.Input((2,)), LAYERS.Dense(1, name="out")], name=name)


def step(model, optimizer):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(model(tf.ones([3, 2])))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)


def test_a_step_is_seen_from_its_input_to_its_update():
    model, optimizer = small(), keras.optimizers.SGD(0.5)
    observation = Observation(model, optimizer)
    with watching(observation):
        step(model, optimizer)
    assert observation.error is None
    assert observation.x.shape == (3, 2)
    assert observation.y_pred.shape == (3, 1)
    assert [call.path for call in observation.calls] == ["out"]
    assert float(observation.loss) == pytest.approx(float(tf.reduce_sum(observation.y_pred)))
    assert float(observation.rates.main) == 0.5
    assert observation.gradients["out/bias"].numpy() == [3.0]
    assert observation.before["out/bias"].numpy() == [0.0]


def test_another_models_step_is_not_seen():
    model, other = small(), small("other")
    observation = Observation(model, keras.optimizers.SGD())
    with watching(observation):
        step(other, keras.optimizers.SGD())
    assert (observation.calls, observation.gradients, observation.loss) == ([], {}, None)


def test_two_models_can_be_watched_at_once():
    first, second = small("first"), small("second")
    seen = [Observation(model, keras.optimizers.SGD()) for model in (first, second)]
    with watching(seen[0]), watching(seen[1]):
        step(first, keras.optimizers.SGD())
        step(second, keras.optimizers.SGD())
    assert [len(observation.calls) for observation in seen] == [1, 1]
    assert [len(observation.gradients) for observation in seen] == [2, 2]


def test_the_hooks_are_gone_whatever_happens_in_the_step():
    model = small()
    before = [BaseOptimizer.apply, keras.optimizers.LossScaleOptimizer.apply, tf.GradientTape.gradient]
    with pytest.raises(KeyError), watching(Observation(model)):
        assert "call" in vars(model)
        raise KeyError
    assert [BaseOptimizer.apply, keras.optimizers.LossScaleOptimizer.apply, tf.GradientTape.gradient] == before
    assert not {"call", "compute_loss"} & set(vars(model))


def test_a_call_that_the_user_put_on_the_layer_is_put_back():
    model = small()
    layer = model.layers[0]
    own = layer.call
    vars(layer)["call"] = own
    with watching(Observation(model)):
        assert vars(layer)["call"] is not own
    assert vars(layer)["call"] is own


def test_what_belongs_to_an_inner_graph_is_left_out():
    model = small()

    @tf.function
    def looping():
        observation = Observation(model)
        with watching(observation):
            tf.while_loop(lambda i: i < 2, lambda i: i + tf.cast(tf.size(model(tf.ones([1, 2]))), tf.int32), [0])
        return [call.tensor for call in observation.calls], observation.y_pred, observation.error

    assert looping() == ([], None, None)


def test_a_wrapped_optimizer_is_seen_once_with_the_loss_scale_it_had():
    model = small()
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(0.5), initial_scale=8.0, dynamic_growth_steps=1
    )
    observation = Observation(model, optimizer)
    with watching(observation):
        with tf.GradientTape() as tape:
            loss = optimizer.scale_loss(tf.reduce_sum(model(tf.ones([3, 2]))))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    assert observation.gradients["out/bias"].numpy() == [24.0]
    assert float(observation.gradient_scale) == 8.0
    assert float(observation.loss_scale) == 8.0

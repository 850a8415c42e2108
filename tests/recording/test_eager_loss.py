"""The loss of an eager step: what it shows is believed once a sampled step has measured the same."""

from contextlib import nullcontext

import keras
import tensorflow as tf

from recording.small_models import batches, mlp
from tb_lossdiag.recording.eager_loss import EagerLoss


def step(model, factor=1.0, function=None):
    x, _ = batches(8)
    with tf.GradientTape() as tape:
        loss = factor * tf.reduce_mean(tf.square(model(x)))
    tape.gradient(loss, model.trainable_variables)
    return loss if function is None else function(loss)


def watched(losses, *args, **kwargs):
    with losses.watching():
        return step(*args, **kwargs)


def new():
    model = mlp()
    return model, EagerLoss(model, keras.optimizers.SGD(0.1), nullcontext)


def test_what_is_differentiated_is_the_loss_once_a_sample_measured_it():
    model, losses = new()
    loss = watched(losses, model)
    assert losses.last() is None
    losses.learn(float(loss))
    assert losses.last() is None  # of a new step nothing is known yet
    loss = watched(losses, model, 2.0)
    assert losses.last() is loss


def test_what_missed_a_measured_loss_is_not_believed_any_more():
    model, losses = new()
    for measured in (1.0, 0.5, 1.0):
        losses.learn(measured * float(watched(losses, model)))
    watched(losses, model)
    assert losses.last() is None


def test_what_a_function_returns_is_the_loss_where_that_is_what_was_measured():
    model, losses = new()
    halved = tf.function(lambda loss: {"loss": loss / 2.0, "more": loss})
    losses.learn(float(watched(losses, model, function=halved)["loss"]))
    told = watched(losses, model, 3.0, function=halved)
    assert losses.last() is told["loss"]


def test_a_broken_loss_teaches_nothing():
    model, losses = new()
    watched(losses, model)
    losses.learn(float("nan"))
    losses.learn(float(watched(losses, model)))
    watched(losses, model)
    assert losses.last() is not None


def test_the_hooks_go_with_the_block():
    _, losses = new()
    gradient, call = tf.GradientTape.gradient, type(tf.function(lambda: None)).__call__
    with losses.watching():
        assert tf.GradientTape.gradient is not gradient
    assert tf.GradientTape.gradient is gradient
    assert type(tf.function(lambda: None)).__call__ is call

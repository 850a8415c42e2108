"""Which trainings are stuck because of their optimizer? Rates, clipping, epsilons, lost updates, precision."""

from functools import partial

import keras
import tensorflow as tf
from keras.optimizers import SGD, Adadelta, Adagrad
from keras.optimizers.schedules import CosineDecay, PolynomialDecay

from benchmarks.zoo.loop import loop
from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import (
    DIGIT_ROWS,
    DIGIT_ROWS_SGD,
    DIGITS,
    DIGITS_SGD,
    HOUSES_SGD,
    REVIEWS,
    SHAPES,
    SHAPES_SGD,
    TAGS,
    TOPICS,
    TUMOURS,
    TUMOURS_SGD,
    WAVES,
)
from benchmarks.zoo.special_recipes import DIGITS_FINE, DIGITS_SMALL_LOSS, SHAPES_FINE


def told(model, loss, y, y_pred):
    """What a train_step of one's own returns, as Keras's guide has it."""
    for metric in model.metrics:
        metric.update_state(loss) if metric.name == "loss" else metric.update_state(y, y_pred)
    return {metric.name: metric.result() for metric in model.metrics}


class ForgetsToApply(keras.Model):
    """A train_step written from memory: the last line is missing."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        self.gradients = tape.gradient(loss, self.trainable_variables)
        return told(self, loss, y, y_pred)


class Masked(keras.Model):
    """A pruning mask that multiplies the gradients, and was never set to ones."""

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        gradients = [g * tf.zeros_like(g) for g in tape.gradient(loss, self.trainable_variables)]
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return told(self, loss, y, y_pred)


def on_a_copy(model, optimizer, loss):
    """The loop applies the gradients to a copy that was made to keep the initial weights."""
    copy = keras.models.clone_model(model)

    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, copy.trainable_variables, strict=True))
        return value

    return step


def summed_up(model, optimizer, loss):
    """Gradients are summed up for 1,000 steps, as on a cluster, before the loop applies them; this run has fewer."""
    sums = [tf.Variable(tf.zeros_like(variable), trainable=False) for variable in model.trainable_variables]

    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        for total, gradient in zip(sums, gradients, strict=True):
            total.assign_add(gradient)
        return value

    return step


def warmup_by_integers():
    """epoch // 10 instead of epoch / 10: the warm-up stays at its first rung."""
    return [keras.callbacks.LearningRateScheduler(lambda epoch: 3e-3 * min(1, epoch // 10))]


def collapse():
    """The plateau is watched in the wrong direction, with no patience: the rate is cut until nothing is left."""
    return [
        keras.callbacks.ReduceLROnPlateau("accuracy", mode="min", factor=1e-6, patience=1, min_lr=0.0, min_delta=0.05)
    ]


SICK = (
    # The rate of an SGD recipe, used with Adam.
    sick("learning_rate_too_high", DIGITS, "adam_0.5", optimizer={"learning_rate": 0.5}),
    # A point slipped: 0.1 instead of 0.001.
    sick("learning_rate_too_high", TOPICS, "adam_0.2", optimizer={"learning_rate": 0.2}),
    # Momentum 0.9 was added and the rate of plain SGD kept.
    sick("learning_rate_too_high", SHAPES_SGD, "momentum_0.8", optimizer={"learning_rate": 0.8}),
    sick("learning_rate_too_high", WAVES, "adam_0.5", optimizer={"learning_rate": 0.5}),
    sick("learning_rate_too_high", HOUSES_SGD, "momentum_0.6", optimizer={"learning_rate": 0.6}),
    # A rate for fine-tuning, used from scratch.
    sick("learning_rate_too_low", DIGITS, "adam_1e-6", optimizer={"learning_rate": 1e-6}),
    sick("learning_rate_too_low", REVIEWS, "adamw_2e-6", optimizer={"learning_rate": 2e-6}),
    sick("learning_rate_too_low", SHAPES_SGD, "momentum_1e-5", optimizer={"learning_rate": 1e-5}),
    sick("learning_rate_too_low", DIGIT_ROWS, "rmsprop_3e-6", optimizer={"learning_rate": 3e-6}),
    sick("learning_rate_too_low", HOUSES_SGD, "momentum_1e-6", optimizer={"learning_rate": 1e-6}),
    # A placeholder in a configuration file that nobody filled.
    sick("learning_rate_zero", TUMOURS, "placeholder", optimizer={"learning_rate": 0.0}),
    # decay_steps counts steps; it was given epochs.
    sick(
        "learning_rate_zero",
        DIGITS_SGD,
        "decay_in_epochs",
        optimizer={"learning_rate": PolynomialDecay(0.05, decay_steps=8, end_learning_rate=0.0)},
    ),
    sick(
        "learning_rate_zero", TOPICS, "cosine_in_epochs", optimizer={"learning_rate": CosineDecay(2e-3, decay_steps=8)}
    ),
    sick("learning_rate_zero", SHAPES, "integer_warmup", callbacks=warmup_by_integers),
    sick("learning_rate_zero", DIGIT_ROWS_SGD, "plateau_collapse", callbacks=collapse),
    sick("updates_not_applied", DIGITS, "forgotten_apply", model={"kind": ForgetsToApply}),
    # also: multiplied by zeros, the gradient no longer reaches any variable.
    sick("updates_not_applied", SHAPES, "zero_mask", ("disconnected_graph",), model={"kind": Masked}),
    sick("updates_not_applied", TUMOURS_SGD, "applied_to_copy", run=partial(loop, step=on_a_copy)),
    sick("updates_not_applied", DIGIT_ROWS, "summed_up", run=partial(loop, step=summed_up)),
    # Accumulation over more steps than the run has.
    sick("updates_not_applied", TOPICS, "accumulated_for_ever", optimizer={"gradient_accumulation_steps": 1000}),
    # A clip copied from a model with a sum-reduced loss, or a misread exponent.
    sick("clipping_too_tight", SHAPES_SGD, "clipnorm_1e-5", optimizer={"clipnorm": 1e-5}),
    sick("clipping_too_tight", DIGITS_SGD, "clipvalue_1e-6", optimizer={"clipvalue": 1e-6}),
    sick("clipping_too_tight", DIGIT_ROWS_SGD, "global_clipnorm_1e-5", optimizer={"global_clipnorm": 1e-5}),
    sick("clipping_too_tight", HOUSES_SGD, "clipvalue_1e-5", optimizer={"clipvalue": 1e-5}),
    # The epsilon of an Inception recipe (1.0) and worse, meant to calm Adam down.
    sick("optimizer_epsilon_dominates", DIGITS, "adam_10", optimizer={"epsilon": 10.0}),
    sick("optimizer_epsilon_dominates", REVIEWS, "adamw_10", optimizer={"epsilon": 10.0}),
    sick("optimizer_epsilon_dominates", DIGIT_ROWS, "rmsprop_100", optimizer={"epsilon": 100.0}),
    # The loss was divided by the number of all pixels of all images: the gradients are below epsilon.
    sick("optimizer_epsilon_dominates", SHAPES, "loss_times_1e-9", compile={"loss_weights": 1e-9}),
    sick("optimizer_epsilon_dominates", TAGS, "loss_times_1e-10", compile={"loss_weights": 1e-10}),
    # Keras's default rate of Adadelta and Adagrad is 0.001, made for neither.
    # also: Adadelta was published with a rate of 1.0; at a hundred times 0.001 Adagrad learns.
    sick("unsuitable_optimizer", DIGITS, "adadelta", ("learning_rate_too_low",), optimizer=Adadelta),
    sick("unsuitable_optimizer", SHAPES, "adagrad", ("learning_rate_too_low",), optimizer=Adagrad),
    sick("unsuitable_optimizer", REVIEWS, "adagrad", ("learning_rate_too_low",), optimizer=Adagrad),
    # SGD for attention and embeddings. At seed 0 a rate of 0.1 is the best of 0.01, 0.1, 0.5 and 2, and ends at 300
    # times the loss of AdamW.
    sick("unsuitable_optimizer", REVIEWS, "plain_sgd", optimizer=partial(SGD, learning_rate=0.1)),
    # also: at a rate of 0.5 the LSTM learns with SGD too.
    sick("unsuitable_optimizer", WAVES, "plain_sgd", ("learning_rate_too_low",), optimizer=SGD),
    # Half the memory: weights in bfloat16 have 8 bits, and an update below 1/256 of a weight rounds away.
    sick("low_precision", DIGITS_FINE, "bfloat16_weights", policy="bfloat16"),
    sick("low_precision", SHAPES_FINE, "bfloat16_weights", policy="bfloat16"),
    # Adam's squared gradients are 0 in float16.
    sick("low_precision", TUMOURS, "float16_adam", policy="float16"),
    # Mixed precision switched on by hand, without the scaling of the loss that belongs to it.
    sick(
        "low_precision",
        DIGITS_SMALL_LOSS,
        "mixed_without_loss_scale",
        policy="mixed_float16",
        compile={**DIGITS_SMALL_LOSS.compile, "auto_scale_loss": False},
    ),
)

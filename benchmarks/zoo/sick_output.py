"""Which trainings are stuck at their output? Head, loss and metric that do not fit together, and what cuts them off."""

from functools import partial

import tensorflow as tf
from keras import layers, ops
from keras.losses import BinaryCrossentropy, SparseCategoricalCrossentropy

from benchmarks.zoo import data
from benchmarks.zoo.data import Data
from benchmarks.zoo.loop import loop
from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import (
    DIGIT_ROWS,
    DIGITS,
    FREQUENCIES,
    HOUSES,
    RATINGS,
    REVIEWS,
    SHAPES,
    SHAPES_SGD,
    SPIRALS,
    SPOTS,
    TAGS,
    TOPICS,
    TUMOURS,
    TUMOURS_SGD,
)
from benchmarks.zoo.special_recipes import DIGITS_ONE_HOT


def applied(function) -> tuple:
    """A Lambda layer with this function, as `last` of a model."""
    return (partial(layers.Lambda, function, name="result"),)


def softmax(z):
    """Written out. Keras's own remembers its logits, and the loss then reads those and repairs the fault."""
    e = ops.exp(z - ops.max(z, -1, keepdims=True))
    return e / ops.sum(e, -1, keepdims=True)


def sigmoid(z):
    return (1 + ops.tanh(z / 2)) / 2


def sharpened(z):
    """A temperature multiplied where it should have divided."""
    return softmax(100 * z)


def sharpened_sigmoid(z):
    return sigmoid(100 * z)


def decided(z):
    """The decision instead of the probability: a step has no slope."""
    return (ops.sign(z) + 1) / 2


def winner(p):
    """The winning class as one-hot."""
    return ops.one_hot(ops.argmax(p, -1), p.shape[-1])


def detached_error(y, p):
    """The error is computed on a detached copy of the predictions; only a small penalty on them still has a slope."""
    return ops.mean((y - ops.stop_gradient(p)) ** 2, -1) + 1e-6 * ops.mean(p**2, -1)


def silenced(model, optimizer, loss):
    """The loop counts wrong classes, and replaces the gradients, all None, so that nothing complains."""

    def step(x, y):
        with tf.GradientTape() as tape:
            classes = tf.argmax(model(x, training=True), -1, output_type=tf.int32)
            value = tf.reduce_mean(tf.cast(classes != y, tf.float32))
        variables = model.trainable_variables
        none = tape.gradient(value, variables)
        gradients = [tf.zeros_like(variable) if g is None else g for g, variable in zip(none, variables, strict=True)]
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return value

    return step


def columns() -> Data:
    """The shapes, their class numbers as [n, 1]; a sparse cross-entropy reads them either way."""
    x, y, x_val, y_val = data.shapes()
    return Data(x, y[:, None], x_val, y_val[:, None])


def clipped_log(y, p):
    """A cross-entropy by hand, clipped against log(0)."""
    return -ops.mean(ops.sum(y * ops.log(ops.clip(p, 1e-7, 1.0)), -1))


SOFTMAX_TWICE = {"head": None, "last": applied(softmax)}

SICK = (
    # The model ends in a softmax and the loss is told that it does not.
    sick(
        "loss_mismatch",
        DIGITS,
        "softmax_twice",
        model=SOFTMAX_TWICE,
        loss=SparseCategoricalCrossentropy(from_logits=True),
    ),
    sick(
        "loss_mismatch",
        TOPICS,
        "softmax_twice",
        model=SOFTMAX_TWICE,
        loss=SparseCategoricalCrossentropy(from_logits=True),
    ),
    sick(
        "loss_mismatch",
        TUMOURS,
        "sigmoid_twice",
        model={"head": None, "last": applied(sigmoid)},
        loss=BinaryCrossentropy(from_logits=True),
    ),
    # The loss of a multi-class tutorial over one unit: p / p is 1 whatever p is.
    sick("loss_mismatch", REVIEWS, "categorical_over_one_unit", loss="categorical_crossentropy"),
    # Distances between class numbers, the number standing against each of the outputs.
    sick("loss_mismatch", SHAPES, "mse_on_class_numbers", data=columns, loss="mse"),
    # also: summed over the batch, the gradient is 32 times that of the mean, and so is the step.
    sick(
        "loss_mismatch",
        SHAPES_SGD,
        "summed",
        ("learning_rate_too_high",),
        loss=SparseCategoricalCrossentropy(reduction="sum"),
    ),
    # Percentages of a target that is around 0.
    sick("loss_mismatch", FREQUENCIES, "percentage_error", loss="mape"),
    # A softmax over one unit is always 1.
    sick("output_activation_mismatch", TUMOURS, "softmax_over_one_unit", model={"head": "softmax"}),
    sick("output_activation_mismatch", REVIEWS, "softmax_over_one_unit", model={"head": "softmax"}),
    # Tags exclude one another in a softmax, and do not in the data.
    sick("output_activation_mismatch", TAGS, "softmax_over_tags", model={"head": "softmax"}),
    # A head that cannot reach half of the targets.
    sick("output_activation_mismatch", HOUSES, "relu_head", model={"head": "relu"}),
    sick("output_activation_mismatch", SPOTS, "sigmoid_head", model={"head": "sigmoid"}),
    sick("output_activation_mismatch", RATINGS, "relu_head", model={"head": "relu"}),
    # No activation, and a loss that takes probabilities. also: from_logits=True cures it just as well.
    sick("output_activation_mismatch", DIGIT_ROWS, "linear_head", ("loss_mismatch",), model={"head": None}),
    # Probabilities clipped at 1e-7 pass on no gradient where the model is sure and wrong.
    sick("saturated_loss", DIGITS, "sharpened_softmax", model={"head": None, "last": applied(sharpened)}),
    sick("saturated_loss", TUMOURS_SGD, "sharpened_sigmoid", model={"head": None, "last": applied(sharpened_sigmoid)}),
    sick(
        "saturated_loss",
        DIGITS_ONE_HOT,
        "clipped_log",
        model={"head": None, "last": applied(sharpened)},
        loss=clipped_log,
    ),
    sick("saturated_loss", TOPICS, "sharpened_softmax", model={"head": None, "last": applied(sharpened)}),
    sick("disconnected_graph", TUMOURS, "decision_as_output", model={"head": None, "last": applied(decided)}),
    sick("disconnected_graph", FREQUENCIES, "detached_error", loss=detached_error),
    sick("disconnected_graph", SHAPES, "counted_errors", run=partial(loop, step=silenced)),
    # "Freeze the features": the gradient is stopped in front of the output.
    sick(
        "disconnected_graph",
        SPIRALS,
        "stopped_features",
        model={"between": (partial(layers.Lambda, ops.stop_gradient),)},
    ),
    # Accuracy counts exact hits of a real number.
    sick("wrong_metric", HOUSES, "accuracy_of_prices", metrics=("accuracy",)),
    sick("wrong_metric", SPOTS, "accuracy_of_places", metrics=("accuracy",)),
    sick("wrong_metric", RATINGS, "accuracy_of_ratings", metrics=("accuracy",)),
    # Ten outputs, nine of them rightly below 0.5: 90 % from the start.
    sick("wrong_metric", DIGITS_ONE_HOT, "binary_accuracy_of_classes", metrics=("binary_accuracy",)),
)

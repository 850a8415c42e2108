"""Which faults of a model are rehearsed, on recipes that the zoo does not use for them?"""

from functools import partial

from keras import layers, ops
from keras.initializers import Constant, Ones, Orthogonal
from keras.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from keras.optimizers import SGD, RMSprop
from keras.regularizers import L1, L2

from benchmarks.zoo.loop import loop
from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import (
    DIGIT_IMAGES,
    DIGIT_ROWS,
    DIGITS,
    FREQUENCIES,
    HOUSES,
    HOUSES_SGD,
    MOONS,
    RATINGS,
    REVIEWS,
    SHAPES,
    SPIRALS,
    SPOTS,
    TAGS,
    TOPICS,
    TUMOURS,
    TUMOURS_SGD,
    WAVES,
    WINE,
    WINE_SGD,
)
from benchmarks.zoo.sick_data import targets
from benchmarks.zoo.sick_fit import dropout
from benchmarks.zoo.sick_output import (
    SOFTMAX_TWICE,
    applied,
    decided,
    detached_error,
    sharpened,
    sharpened_sigmoid,
    sigmoid,
    silenced,
)
from benchmarks.zoo.sick_signal import TIMES_100, TIMES_1000
from benchmarks.zoo.sick_weights import ZEROS, all_frozen, frozen, normal, same
from benchmarks.zoo.special_recipes import (
    DEEP_DIGITS,
    DEEP_SHAPES,
    DIGITS_TANH,
    EARLY,
    NARROW_HOUSES,
    NARROW_MOONS,
    NARROW_TUMOURS,
    RESIDUAL_DIGITS,
    SHAPES_TANH,
)

STRETCHING = {"cell": "SimpleRNN", "activation": "relu", "recurrent_initializer": partial(Orthogonal, gain=2.0)}


STOPPED = (partial(layers.Lambda, ops.stop_gradient, name="stopped"),)


MODEL = (
    *(
        sick(
            "loss_mismatch",
            recipe,
            f"softmax_twice_{recipe.name}",
            model=SOFTMAX_TWICE,
            loss=SparseCategoricalCrossentropy(from_logits=True),
        )
        for recipe in (SHAPES, WAVES)
    ),
    sick(
        "loss_mismatch",
        MOONS,
        "sigmoid_twice_moons",
        model={"head": None, "last": applied(sigmoid)},
        loss=BinaryCrossentropy(from_logits=True),
    ),
    sick(
        "loss_mismatch",
        DIGITS,
        "mse_on_digits",
        data=targets(DIGITS, lambda y: y[:, None]),
        loss="mse",
    ),
    sick("loss_mismatch", MOONS, "categorical_over_one_moon", loss="categorical_crossentropy"),
    sick("loss_mismatch", SPOTS, "percentage_error", loss="mape"),
    sick("loss_mismatch", HOUSES, "percentage_of_prices", loss="mape"),
    sick("loss_mismatch", RATINGS, "percentage_of_ratings", loss="mape"),
    sick("output_activation_mismatch", MOONS, "softmax_over_one_moon", model={"head": "softmax"}),
    sick("output_activation_mismatch", SPOTS, "relu_head", model={"head": "relu"}),
    sick("output_activation_mismatch", HOUSES, "sigmoid_head", model={"head": "sigmoid"}),
    sick("output_activation_mismatch", WAVES, "linear_head", ("loss_mismatch",), model={"head": None}),
    sick("output_activation_mismatch", TOPICS, "linear_head", ("loss_mismatch",), model={"head": None}),
    sick("output_activation_mismatch", TAGS, "linear_tags", ("loss_mismatch",), model={"head": None}),
    sick("output_activation_mismatch", FREQUENCIES, "sigmoid_frequencies", model={"head": "sigmoid"}),
    *(
        sick("saturated_loss", recipe, f"sharpened_{recipe.name}", model={"head": None, "last": applied(squash)})
        for recipe, squash in (
            (TAGS, sharpened_sigmoid),
            (REVIEWS, sharpened_sigmoid),
            (DIGIT_IMAGES, sharpened),
            (WINE, sharpened),
        )
    ),
    sick("disconnected_graph", MOONS, "moon_decision", model={"head": None, "last": applied(decided)}),
    sick("disconnected_graph", HOUSES, "detached_houses", loss=detached_error),
    sick("disconnected_graph", TOPICS, "counted_errors", run=partial(loop, step=silenced)),
    sick("disconnected_graph", MOONS, "stopped_moons", model={"between": (partial(layers.Lambda, ops.stop_gradient),)}),
    sick(
        "disconnected_graph", DIGITS, "stopped_digits", model={"between": (partial(layers.Lambda, ops.stop_gradient),)}
    ),
    sick("disconnected_graph", SPOTS, "stopped_spots", model={"before_head": STOPPED}),
    sick("disconnected_graph", FREQUENCIES, "stopped_frequencies", model={"before_head": STOPPED}),
    sick("wrong_metric", FREQUENCIES, "accuracy_of_frequencies", metrics=("accuracy",)),
    sick("nothing_trainable", WAVES, "model_frozen", model=partial(all_frozen, WAVES.model)),
    sick("nothing_trainable", REVIEWS, "model_frozen", model=partial(all_frozen, REVIEWS.model)),
    sick("nothing_trainable", HOUSES, "houses_frozen", model=partial(all_frozen, HOUSES.model)),
    sick("frozen_layers", DIGIT_IMAGES, "random_digit_features", model={"trainable": False}),
    sick("frozen_layers", TOPICS, "random_topic_features", model=partial(frozen, TOPICS.model, "output")),
    sick("frozen_layers", DIGIT_ROWS, "random_features", model={"trainable": False}),
    sick("frozen_layers", MOONS, "random_moon_features", model={"trainable": False}),
    sick("frozen_layers", FREQUENCIES, "random_frequency_features", model={"trainable": False}),
    sick("frozen_layers", SPOTS, "random_spot_features", model={"trainable": False}),
    sick("frozen_layers", DIGITS, "random_features_of_digits", model={"trainable": False}),
    sick("poor_initialization", DIGIT_IMAGES, "normal_3", model={"start": normal(3.0)}),
    sick("poor_initialization", TUMOURS_SGD, "normal_1e-4_tumours", model={"start": normal(1e-4)}),
    sick("poor_initialization", SHAPES, "bias_minus_10_shapes", model={"bias_initializer": Constant(-10.0)}),
    *(
        sick(
            "poor_initialization",
            recipe,
            f"normal_5_{recipe.name}",
            model={"kernel_initializer": normal(5.0), "recurrent_initializer": normal(5.0)},
        )
        for recipe in (DIGIT_ROWS, FREQUENCIES)
    ),
    sick("poor_initialization", MOONS, "bias_minus_10_moons", model={"bias_initializer": Constant(-10.0)}),
    sick("symmetric_initialization", DIGIT_IMAGES, "constant_digits", model=same(partial(Constant, 0.05))),
    sick("symmetric_initialization", WINE, "zeros_wine", model=same(ZEROS)),
    sick("symmetric_initialization", MOONS, "ones_moons", model=same(Ones)),
    sick("hidden_activation_unsuitable", DIGIT_IMAGES, "softmax_digits", model={"activation": "softmax"}),
    sick("hidden_activation_unsuitable", MOONS, "linear_moons", model={"activation": None}),
    *(
        sick("hidden_activation_unsuitable", recipe, f"sigmoid_{recipe.name}", model={"activation": "sigmoid"})
        for recipe in (TUMOURS_SGD, WINE_SGD, HOUSES_SGD)
    ),
    sick("exploding_gradients", FREQUENCIES, "relu_frequencies", ("poor_initialization",), model=STRETCHING),
    sick("exploding_gradients", RESIDUAL_DIGITS, "loop", model={"normalised": False, "shared": True}),
    sick("exploding_gradients", RESIDUAL_DIGITS, "14_blocks", model={"normalised": False, "blocks": 14}),
    *(
        sick("saturated_activations", recipe, twist, ("unnormalized_inputs",), model={"first": first})
        for recipe, twist, first in (
            (SHAPES_TANH, "rescaled_1000", TIMES_1000),
            (DIGITS_TANH, "rescaled_1000_digits", TIMES_1000),
            (EARLY, "rescaled_sequence", TIMES_100),
        )
    ),
    sick(
        "vanishing_gradients",
        DEEP_DIGITS,
        "7_deep",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid", "units": (24,) * 7},
    ),
    sick(
        "vanishing_gradients",
        SPIRALS,
        "9_deep",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid", "units": (16,) * 9},
    ),
    sick(
        "vanishing_gradients",
        HOUSES,
        "9_deep_houses",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid", "units": (16,) * 9},
    ),
    sick(
        "vanishing_gradients",
        DEEP_SHAPES,
        "7_deep",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid", "filters": (8,) * 7},
        optimizer=partial(RMSprop, learning_rate=2e-3),
    ),
    sick(
        "dying_relu",
        NARROW_TUMOURS,
        "narrow_tumours_sgd",
        model={"activation": "relu", "units": (2,) * 16},
        optimizer=partial(SGD, learning_rate=0.03, momentum=0.9),
    ),
    sick("dying_relu", NARROW_MOONS, "three_wide", model={"activation": "relu", "units": (3,) * 18}),
    sick(
        "dying_relu",
        NARROW_HOUSES,
        "narrow_houses_rmsprop",
        model={"activation": "relu", "units": (3,) * 16},
        optimizer=partial(RMSprop, learning_rate=3e-3),
    ),
    sick("insufficient_capacity", DIGIT_IMAGES, "one_digit_filter", model={"filters": (1, 1), "units": 2}),
    sick("insufficient_capacity", DIGIT_ROWS, "one_cell", model={"units": (1,)}),
    sick("insufficient_capacity", MOONS, "no_hidden_moons", model={"units": ()}),
    sick("insufficient_capacity", SPIRALS, "no_hidden_spirals", model={"units": ()}),
    sick("penalty_dominates", DIGIT_IMAGES, "l2_1_digits", model={"kernel_regularizer": L2(1.0)}),
    sick("penalty_dominates", TUMOURS, "l1_0.5", model={"kernel_regularizer": L1(0.5)}),
    sick("penalty_dominates", WAVES, "l1_0.1", model={"kernel_regularizer": L1(0.1), "recurrent_regularizer": L1(0.1)}),
    sick("penalty_dominates", TAGS, "l2_2", model={"kernel_regularizer": L2(2.0)}),
    sick("penalty_dominates", SPOTS, "l1_0.1_spots", model={"kernel_regularizer": L1(0.1)}),
    sick("penalty_dominates", WINE, "l2_1_wine", model={"kernel_regularizer": L2(1.0)}),
    sick("excessive_dropout", DIGIT_IMAGES, "0.97_digits", model={"before_head": dropout(0.97)}),
    sick("excessive_dropout", DIGIT_ROWS, "0.98", model={"before_head": dropout(0.98)}),
    sick("excessive_dropout", HOUSES, "0.95_houses", model={"between": dropout(0.95)}),
    sick("excessive_dropout", SPIRALS, "0.95_spirals", model={"between": dropout(0.95)}),
    sick("excessive_dropout", TAGS, "0.97_tags", model={"between": dropout(0.97)}),
    sick("excessive_dropout", DIGIT_IMAGES, "0.95_between_digits", model={"between": dropout(0.95)}),
    sick("excessive_dropout", WINE, "0.95_wine", model={"between": dropout(0.95)}),
    sick("excessive_dropout", SHAPES, "0.97_before_the_head", model={"before_head": dropout(0.97)}),
    sick("excessive_dropout", TUMOURS, "0.97_tumours", model={"between": dropout(0.97)}),
    sick("excessive_dropout", SPOTS, "0.97_spots", model={"before_head": dropout(0.97)}),
)

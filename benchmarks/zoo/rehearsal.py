"""Which further trainings serve for tuning only? The same kinds of faults on other recipes, never scored in public.

The two halves of the zoo are small for so many causes; thresholds that fit one half alone fit it too closely.
"""

from functools import partial

import numpy as np
from keras import layers, ops
from keras.initializers import Constant, Ones, Orthogonal
from keras.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
from keras.optimizers import SGD, Adadelta, Adagrad, RMSprop
from keras.optimizers.schedules import CosineDecay, PolynomialDecay
from keras.regularizers import L1, L2

from benchmarks.zoo import data
from benchmarks.zoo.loop import loop
from benchmarks.zoo.recipe import healthy, sick
from benchmarks.zoo.recipes import (
    DIGIT_IMAGES,
    DIGIT_ROWS,
    DIGIT_ROWS_SGD,
    DIGITS,
    DIGITS_SGD,
    FREQUENCIES,
    HOUSES,
    HOUSES_SGD,
    MOONS,
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
    WAVES,
    WINE,
    WINE_SGD,
)
from benchmarks.zoo.sick_data import inputs, log_of_zero, missing, one_row_off, shuffled, sorted_by_target, targets
from benchmarks.zoo.sick_fit import batch_norm, dropout, few, raw_validation
from benchmarks.zoo.sick_optimizer import on_a_copy, summed_up
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
    DIGITS_NORMALISED,
    DIGITS_TANH,
    EARLY,
    NARROW_HOUSES,
    NARROW_MOONS,
    NARROW_TUMOURS,
    RARE,
    RARE_KINDS,
    RARE_WAVES,
    RESIDUAL_DIGITS,
    SHAPES_NORMALISED,
    SHAPES_TANH,
    TAGS_SGD,
)

STRETCHING = {"cell": "SimpleRNN", "activation": "relu", "recurrent_initializer": partial(Orthogonal, gain=2.0)}


STOPPED = (partial(layers.Lambda, ops.stop_gradient, name="stopped"),)


def unrelated(y: np.ndarray) -> np.ndarray:
    """Numbers that have nothing to do with the inputs."""
    return np.random.default_rng(1).normal(size=y.shape).astype("float32")


def rate(value: float) -> dict:
    return {"learning_rate": value}


OPTIMIZER = (
    *(
        sick("learning_rate_too_high", recipe, twist, optimizer=rate(value))
        for recipe, twist, value in (
            (DIGIT_IMAGES, "rmsprop_0.3", 0.3),
            (DIGIT_ROWS, "rmsprop_0.5", 0.5),
            (RATINGS, "adam_0.3", 0.3),
            (SPOTS, "adam_0.3", 0.3),
            (MOONS, "adam_1", 1.0),
            (TUMOURS_SGD, "momentum_3", 3.0),
            (TAGS, "adam_0.8", 0.8),
        )
    ),
    *(
        sick("learning_rate_too_low", recipe, twist, optimizer=rate(value))
        for recipe, twist, value in (
            (TOPICS, "adam_2e-6", 2e-6),
            (WAVES, "adam_1e-5", 1e-5),
            (SPOTS, "adam_1e-6", 1e-6),
            (TAGS, "adam_3e-6", 3e-6),
            (WINE_SGD, "momentum_1e-5", 1e-5),
            (DIGIT_IMAGES, "rmsprop_1e-6", 1e-6),
            (FREQUENCIES, "adam_1e-6", 1e-6),
        )
    ),
    sick("learning_rate_zero", WAVES, "placeholder", optimizer=rate(0.0)),
    sick("learning_rate_zero", SPOTS, "cosine_in_epochs", optimizer=rate(CosineDecay(3e-3, decay_steps=10))),
    sick("learning_rate_zero", RATINGS, "decay_in_epochs", optimizer=rate(PolynomialDecay(3e-3, 8, 0.0))),
    sick("updates_not_applied", DIGITS_SGD, "digits_applied_to_copy", run=partial(loop, step=on_a_copy)),
    sick("updates_not_applied", WAVES, "accumulated_for_ever", optimizer={"gradient_accumulation_steps": 1000}),
    sick("updates_not_applied", SPOTS, "summed_up", run=partial(loop, step=summed_up)),
    sick("clipping_too_tight", TUMOURS_SGD, "clipnorm_1e-6", optimizer={"clipnorm": 1e-6}),
    sick("clipping_too_tight", WINE_SGD, "global_clipnorm_1e-5", optimizer={"global_clipnorm": 1e-5}),
    sick("clipping_too_tight", SHAPES_SGD, "clipvalue_1e-6", optimizer={"clipvalue": 1e-6}),
    sick("optimizer_epsilon_dominates", WAVES, "adam_10", optimizer={"epsilon": 10.0}),
    sick("optimizer_epsilon_dominates", SPOTS, "adam_10", optimizer={"epsilon": 10.0}),
    sick("optimizer_epsilon_dominates", HOUSES, "adamw_100", optimizer={"epsilon": 100.0}),
    sick("optimizer_epsilon_dominates", TOPICS, "loss_times_1e-9", compile={"loss_weights": 1e-9}),
    *(
        sick("unsuitable_optimizer", recipe, twist, ("learning_rate_too_low",), optimizer=made)
        for recipe, twist, made in (
            (TAGS, "adadelta_tags", Adadelta),
            (WAVES, "adadelta", Adadelta),
            (TOPICS, "adadelta", Adadelta),
            (SPOTS, "adagrad_spots", Adagrad),
            (DIGIT_ROWS, "adagrad", Adagrad),
        )
    ),
    sick("low_precision", TAGS, "float16_tags", policy="float16"),
    sick("low_precision", SPOTS, "float16_spots", policy="float16"),
)
DATA = (
    *(
        sick("unnormalized_inputs", recipe, twist, data=inputs(recipe, spoil))
        for recipe, twist, spoil in (
            (TAGS, "times_500", lambda x: x * 500),
            (TUMOURS_SGD, "plus_1000", lambda x: x + 1000),
            (FREQUENCIES, "plus_200", lambda x: x + 200),
            (DIGIT_ROWS_SGD, "raw_pixels", lambda x: x * 255),
            (MOONS, "tiny_moons", lambda x: x * 1e-4),
        )
    ),
    sick("unnormalized_inputs", WINE, "raw_wine_rmsprop", data=data.raw_wine),
    *(
        sick("constant_inputs", recipe, twist, data=inputs(recipe, spoil))
        for recipe, twist, spoil in (
            (DIGITS, "zeros", np.zeros_like),
            (REVIEWS, "all_seven", lambda x: np.full_like(x, 7)),
            (SPOTS, "same_spot", lambda x: np.repeat(x[:1], len(x), 0)),
            (HOUSES, "ones", np.ones_like),
        )
    ),
    *(
        sick("nonfinite_inputs", recipe, f"missing_{recipe.name}", data=inputs(recipe, missing))
        for recipe in (DIGIT_ROWS, WINE)
    ),
    sick("nonfinite_inputs", DIGIT_IMAGES, "log_of_zero_digits", data=inputs(DIGIT_IMAGES, log_of_zero)),
    *(
        sick("unscaled_targets", recipe, twist, data=targets(recipe, spoil))
        for recipe, twist, spoil in (
            (HOUSES, "times_1e5", lambda y: y * 1e5),
            (FREQUENCIES, "times_3000", lambda y: y * 3000),
            (RATINGS, "around_5000", lambda y: 5000 + 500 * y),
        )
    ),
    *(
        sick("invalid_labels", recipe, twist, data=targets(recipe, spoil))
        for recipe, twist, spoil in (
            (WAVES, "divided_by_255", lambda y: (y / 255).astype("float32")),
            (MOONS, "minus_one_in_moons", lambda y: 2 * y - 1),
            (TUMOURS, "mask_255_tumours", lambda y: 255 * y),
        )
    ),
    *(
        sick("uninformative_labels", recipe, twist, data=targets(recipe, spoil))
        for recipe, twist, spoil in (
            (TUMOURS, "shuffled_tumours", shuffled),
            (DIGIT_IMAGES, "shuffled_digits", shuffled),
            (REVIEWS, "shuffled", shuffled),
            (SPOTS, "shuffled_spots", shuffled),
            (TAGS, "tags_one_row_off", one_row_off),
            (DIGIT_ROWS, "shuffled", shuffled),
        )
    ),
    *(
        sick("unshuffled_data", recipe, twist, data=sorted_by_target(recipe), fit={"shuffle": False})
        for recipe, twist in (
            (WAVES, "sorted_waves"),
            (DIGIT_IMAGES, "sorted_digits"),
            (FREQUENCIES, "sorted_frequencies"),
        )
    ),
    sick("class_imbalance", RARE, "frauds_sgd", fit={"class_weight": None}, optimizer=partial(SGD, learning_rate=0.02)),
    sick(
        "class_imbalance",
        RARE_KINDS,
        "wide",
        fit={"class_weight": None},
        model={"units": (32, 16)},
    ),
)
OUTPUT = (
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
    sick("output_activation_mismatch", MOONS, "softmax_over_one_moon", model={"head": "softmax"}),
    sick("output_activation_mismatch", SPOTS, "relu_head", model={"head": "relu"}),
    sick("output_activation_mismatch", HOUSES, "sigmoid_head", model={"head": "sigmoid"}),
    sick("output_activation_mismatch", WAVES, "linear_head", ("loss_mismatch",), model={"head": None}),
    sick("output_activation_mismatch", TOPICS, "linear_head", ("loss_mismatch",), model={"head": None}),
    sick("output_activation_mismatch", TAGS, "linear_tags", ("loss_mismatch",), model={"head": None}),
    sick("disconnected_graph", MOONS, "moon_decision", model={"head": None, "last": applied(decided)}),
    sick("disconnected_graph", HOUSES, "detached_houses", loss=detached_error),
    sick("disconnected_graph", TOPICS, "counted_errors", run=partial(loop, step=silenced)),
    sick("wrong_metric", FREQUENCIES, "accuracy_of_frequencies", metrics=("accuracy",)),
)
WEIGHTS = (
    sick("nothing_trainable", WAVES, "model_frozen", model=partial(all_frozen, WAVES.model)),
    sick("nothing_trainable", REVIEWS, "model_frozen", model=partial(all_frozen, REVIEWS.model)),
    sick("nothing_trainable", HOUSES, "houses_frozen", model=partial(all_frozen, HOUSES.model)),
    sick("frozen_layers", DIGIT_IMAGES, "random_digit_features", model={"trainable": False}),
    sick("frozen_layers", TOPICS, "random_topic_features", model=partial(frozen, TOPICS.model, "output")),
    sick("frozen_layers", DIGIT_ROWS, "random_features", model={"trainable": False}),
    sick("poor_initialization", DIGIT_IMAGES, "normal_3", model={"start": normal(3.0)}),
    sick("poor_initialization", TUMOURS_SGD, "normal_1e-4_tumours", model={"start": normal(1e-4)}),
    sick("poor_initialization", SHAPES, "bias_minus_10_shapes", model={"bias_initializer": Constant(-10.0)}),
    sick("symmetric_initialization", DIGIT_IMAGES, "constant_digits", model=same(partial(Constant, 0.05))),
    sick("symmetric_initialization", WINE, "zeros_wine", model=same(ZEROS)),
    sick("symmetric_initialization", MOONS, "ones_moons", model=same(Ones)),
)
SIGNAL = (
    sick("hidden_activation_unsuitable", DIGIT_IMAGES, "softmax_digits", model={"activation": "softmax"}),
    sick("hidden_activation_unsuitable", MOONS, "linear_moons", model={"activation": None}),
    sick("exploding_gradients", FREQUENCIES, "relu_frequencies", ("poor_initialization",), model=STRETCHING),
    sick("saturated_activations", SHAPES_TANH, "rescaled_1000", model={"first": TIMES_1000}),
    sick("saturated_activations", DIGITS_TANH, "rescaled_1000_digits", model={"first": TIMES_1000}),
    sick("saturated_activations", EARLY, "rescaled_sequence", model={"first": TIMES_100}),
)
FIT = (
    sick("insufficient_capacity", DIGIT_IMAGES, "one_digit_filter", model={"filters": (1, 1), "units": 2}),
    sick("insufficient_capacity", DIGIT_ROWS, "one_cell", model={"units": (1,)}),
    sick("insufficient_capacity", MOONS, "no_hidden_moons", model={"units": ()}),
    sick("overfitting", DIGIT_IMAGES, "80_digits", data=few(DIGIT_IMAGES, 80, 0.3), epochs=100),
    sick("overfitting", WAVES, "60_waves", data=few(WAVES, 60, 0.3), epochs=100),
    sick("overfitting", TAGS, "60_tags", data=few(TAGS, 60, 0.3), epochs=100),
    sick("penalty_dominates", DIGIT_IMAGES, "l2_1_digits", model={"kernel_regularizer": L2(1.0)}),
    sick("penalty_dominates", TUMOURS, "l1_0.5", model={"kernel_regularizer": L1(0.5)}),
    sick("penalty_dominates", WAVES, "l1_0.1", model={"kernel_regularizer": L1(0.1), "recurrent_regularizer": L1(0.1)}),
    sick("penalty_dominates", TAGS, "l2_2", model={"kernel_regularizer": L2(2.0)}),
    sick("excessive_dropout", DIGIT_IMAGES, "0.97_digits", model={"before_head": dropout(0.97)}),
    sick("excessive_dropout", DIGIT_ROWS, "0.98", model={"before_head": dropout(0.98)}),
    sick("excessive_dropout", HOUSES, "0.95_houses", model={"between": dropout(0.95)}),
    sick("train_eval_mismatch", WAVES, "raw_validation", data=raw_validation(WAVES, 100)),
    sick("train_eval_mismatch", DIGITS_NORMALISED, "momentum_0.99999", model={"between": batch_norm(0.99999)}),
    sick("undertrained", DIGIT_IMAGES, "20_steps", epochs=1, fit={"steps_per_epoch": 20}),
    sick("undertrained", DIGIT_ROWS, "one_epoch", epochs=1),
    sick("undertrained", SPOTS, "one_epoch_of_spots", epochs=1),
    sick("undertrained", REVIEWS, "one_epoch_of_reviews", epochs=1),
    sick("undertrained", TAGS, "12_steps", epochs=1, fit={"steps_per_epoch": 12}),
    sick("unsuitable_batch_size", SHAPES, "all_shapes", batch_size=960),
    sick("unsuitable_batch_size", WAVES, "all_waves", batch_size=800),
    sick("unsuitable_batch_size", HOUSES, "all_houses", batch_size=960),
)
MORE = (
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
    sick("noise_floor", TAGS_SGD, "single_tags", ("learning_rate_too_high",), batch_size=1, optimizer=rate(0.8)),
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
    *(
        sick("saturated_loss", recipe, f"sharpened_{recipe.name}", model={"head": None, "last": applied(squash)})
        for recipe, squash in (
            (TAGS, sharpened_sigmoid),
            (REVIEWS, sharpened_sigmoid),
            (DIGIT_IMAGES, sharpened),
            (WINE, sharpened),
        )
    ),
    *(
        sick(
            "low_precision",
            recipe,
            f"mixed_{recipe.name}",
            policy="mixed_float16",
            compile={"loss_weights": 1e-6, "auto_scale_loss": False},
            optimizer={"epsilon": 1e-14},
        )
        for recipe in (SHAPES, TUMOURS)
    ),
    sick("low_precision", DIGITS, "bfloat16_digits", policy="bfloat16", optimizer=rate(1e-4)),
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
    *(
        sick("hidden_activation_unsuitable", recipe, f"sigmoid_{recipe.name}", model={"activation": "sigmoid"})
        for recipe in (TUMOURS_SGD, WINE_SGD, HOUSES_SGD)
    ),
    sick("exploding_gradients", RESIDUAL_DIGITS, "loop", model={"normalised": False, "shared": True}),
    sick("exploding_gradients", RESIDUAL_DIGITS, "14_blocks", model={"normalised": False, "blocks": 14}),
    sick("class_imbalance", RARE_WAVES, "gru_waves", fit={"class_weight": None}, model={"cell": "GRU"}),
    sick("loss_mismatch", HOUSES, "percentage_of_prices", loss="mape"),
    sick("loss_mismatch", RATINGS, "percentage_of_ratings", loss="mape"),
    *(
        sick("unsuitable_optimizer", recipe, f"plain_sgd_{recipe.name}", ("learning_rate_too_low",), optimizer=SGD)
        for recipe in (TOPICS, RATINGS, DIGIT_ROWS, FREQUENCIES)
    ),
    sick("insufficient_capacity", SPIRALS, "no_hidden_spirals", model={"units": ()}),
    sick("overfitting", MOONS, "40_moons", data=few(MOONS, 40, 0.3), epochs=150),
    sick("overfitting", SPOTS, "40_spots", data=few(SPOTS, 40, 0.3), epochs=120),
    sick("overfitting", HOUSES, "40_houses", data=few(HOUSES, 40, 0.3), epochs=120),
    sick("unnormalized_inputs", DIGITS_SGD, "tiny_digits", data=inputs(DIGITS, lambda x: x * 1e-4)),
    sick("unnormalized_inputs", SPOTS, "tiny_spots", data=inputs(SPOTS, lambda x: x * 1e-4)),
    sick("unshuffled_data", RATINGS, "sorted_ratings", data=sorted_by_target(RATINGS), fit={"shuffle": False}),
    sick("unsuitable_batch_size", REVIEWS, "all_reviews", batch_size=960),
    sick("unsuitable_batch_size", DIGIT_IMAGES, "all_images", batch_size=1437),
    sick("output_activation_mismatch", FREQUENCIES, "sigmoid_frequencies", model={"head": "sigmoid"}),
    *(
        sick("uninformative_labels", recipe, f"shuffled_{recipe.name}", data=targets(recipe, shuffled))
        for recipe in (FREQUENCIES, RATINGS, MOONS)
    ),
    sick("learning_rate_too_high", FREQUENCIES, "adam_0.5_frequencies", optimizer=rate(0.5)),
    sick("learning_rate_too_high", REVIEWS, "adamw_0.3", optimizer=rate(0.3)),
    sick("learning_rate_too_high", FREQUENCIES, "adam_1_frequencies", optimizer=rate(1.0)),
    sick("learning_rate_too_high", WAVES, "adam_1_waves", optimizer=rate(1.0)),
    sick("uninformative_labels", HOUSES, "shuffled_houses", data=targets(HOUSES, shuffled)),
    sick("frozen_layers", MOONS, "random_moon_features", model={"trainable": False}),
    sick("frozen_layers", FREQUENCIES, "random_frequency_features", model={"trainable": False}),
    sick("disconnected_graph", MOONS, "stopped_moons", model={"between": (partial(layers.Lambda, ops.stop_gradient),)}),
    sick(
        "disconnected_graph", DIGITS, "stopped_digits", model={"between": (partial(layers.Lambda, ops.stop_gradient),)}
    ),
    sick("train_eval_mismatch", SPOTS, "raw_validation_spots", data=raw_validation(SPOTS, 255)),
    sick("train_eval_mismatch", SHAPES_NORMALISED, "momentum_0.99999", model={"between": batch_norm(0.99999)}),
    sick("excessive_dropout", SPIRALS, "0.95_spirals", model={"between": dropout(0.95)}),
    sick("excessive_dropout", TAGS, "0.97_tags", model={"between": dropout(0.97)}),
    sick("undertrained", HOUSES, "15_steps", epochs=1, fit={"steps_per_epoch": 15}),
    sick("undertrained", FREQUENCIES, "one_epoch_of_frequencies", epochs=1),
    sick("unsuitable_batch_size", TUMOURS, "all_tumours", batch_size=455),
    *(
        sick("uninformative_labels", recipe, f"random_{recipe.name}", data=targets(recipe, unrelated))
        for recipe in (HOUSES_SGD, SPOTS, FREQUENCIES)
    ),
    sick("excessive_dropout", DIGIT_IMAGES, "0.95_between_digits", model={"between": dropout(0.95)}),
    sick("excessive_dropout", WINE, "0.95_wine", model={"between": dropout(0.95)}),
    sick("excessive_dropout", SHAPES, "0.97_before_the_head", model={"before_head": dropout(0.97)}),
    sick("train_eval_mismatch", WAVES, "raw_validation_1000", data=raw_validation(WAVES, 1000)),
    sick("train_eval_mismatch", TUMOURS, "raw_validation_tumours", data=raw_validation(TUMOURS, -5)),
    sick("train_eval_mismatch", SHAPES, "raw_validation_negative", data=raw_validation(SHAPES, -100)),
    sick("frozen_layers", SPOTS, "random_spot_features", model={"trainable": False}),
    sick("frozen_layers", DIGITS, "random_features_of_digits", model={"trainable": False}),
    sick("disconnected_graph", SPOTS, "stopped_spots", model={"before_head": STOPPED}),
    sick("disconnected_graph", FREQUENCIES, "stopped_frequencies", model={"before_head": STOPPED}),
    sick("excessive_dropout", TUMOURS, "0.97_tumours", model={"between": dropout(0.97)}),
    sick("excessive_dropout", SPOTS, "0.97_spots", model={"before_head": dropout(0.97)}),
    sick("penalty_dominates", SPOTS, "l1_0.1_spots", model={"kernel_regularizer": L1(0.1)}),
    sick("penalty_dominates", WINE, "l2_1_wine", model={"kernel_regularizer": L2(1.0)}),
)
HEALTHY = (
    *(
        healthy(recipe, f"{recipe.name}_third_of_the_rate", optimizer=rate(value / 3), epochs=2 * recipe.epochs)
        for recipe, value in (
            (SHAPES, 3e-3),
            (WAVES, 2e-2),
            (TOPICS, 2e-3),
            (HOUSES, 5e-3),
            (TUMOURS, 2e-3),
            (TAGS, 5e-3),
        )
    ),
    *(
        healthy(recipe, f"{recipe.name}_batches_of_{size}", batch_size=size)
        for recipe, size in ((DIGITS, 8), (SHAPES, 128), (WAVES, 16), (DIGIT_ROWS, 64), (SPOTS, 8), (REVIEWS, 64))
    ),
    *(
        healthy(recipe, f"{recipe.name}_dropout", model={"before_head": dropout(0.3)})
        for recipe in (DIGIT_IMAGES, DIGIT_ROWS, TOPICS, FREQUENCIES)
    ),
    healthy(SPIRALS, "spirals_wide", model={"units": (128, 64)}),
    healthy(HOUSES_SGD, "houses_small_rate", optimizer=rate(4e-3)),
)
TUNING = (*OPTIMIZER, *DATA, *OUTPUT, *WEIGHTS, *SIGNAL, *FIT, *MORE, *HEALTHY)

"""Which trainings are stuck because of how their weights start, or that they may not change?"""

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
from keras.initializers import Constant, Ones, RandomNormal, Zeros

from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import (
    DIGIT_ROWS,
    DIGIT_ROWS_SGD,
    DIGITS,
    DIGITS_SGD,
    REVIEWS,
    SHAPES,
    SHAPES_SGD,
    SPIRALS,
    TOPICS,
    TUMOURS,
    WAVES,
)
from benchmarks.zoo.special_recipes import DEEP_DIGITS


def frozen(build: Callable[..., keras.Model], *kept: str, **options: Any) -> keras.Model:
    """The model with every layer frozen but those kept."""
    model = build(**options)
    for layer in model.layers:
        layer.trainable = layer.name in kept
    return model


def all_frozen(build: Callable[..., keras.Model], **options: Any) -> keras.Model:
    model = build(**options)
    model.trainable = False
    return model


def normal(stddev: float) -> partial:
    return partial(RandomNormal, stddev=stddev)


def same(start: Callable[[], keras.initializers.Initializer]) -> dict[str, Any]:
    """Every kernel of a feed-forward model starts like this, the head's too."""
    return {"start": start, "head_options": {"kernel_initializer": start}}


ZEROS = partial(Zeros)

SICK = (
    # The base model was frozen after the new head had been put on it.
    sick("nothing_trainable", DIGITS, "model_frozen", model=partial(all_frozen, DIGITS.model)),
    sick("nothing_trainable", SHAPES, "model_frozen", model=partial(all_frozen, SHAPES.model)),
    sick("nothing_trainable", TOPICS, "layers_frozen", model=partial(frozen, TOPICS.model)),
    sick("nothing_trainable", DIGIT_ROWS, "layers_frozen", model=partial(frozen, DIGIT_ROWS.model)),
    # Transfer learning as in the tutorial, but the weights were never loaded: the frozen features are random.
    sick("frozen_layers", SPIRALS, "random_features", model={"trainable": False}),
    sick("frozen_layers", SHAPES, "random_features", model={"trainable": False}),
    sick("frozen_layers", WAVES, "random_features", model={"trainable": False}),
    sick("frozen_layers", REVIEWS, "random_features", model=partial(frozen, REVIEWS.model, "output")),
    # "Small random numbers", too small for the signal to survive the layers.
    sick("poor_initialization", DEEP_DIGITS, "normal_1e-3", model={"start": normal(1e-3)}),
    sick("poor_initialization", SHAPES_SGD, "normal_1e-4", model={"start": normal(1e-4)}),
    # RandomNormal(1.0), as in numpy.random.randn.
    sick("poor_initialization", DIGITS_SGD, "normal_3", model={"start": normal(3.0)}),
    sick(
        "poor_initialization",
        WAVES,
        "normal_5",
        model={"kernel_initializer": normal(5.0), "recurrent_initializer": normal(5.0)},
    ),
    # A prior meant for the output, given to every layer: no unit ever answers.
    sick("poor_initialization", TUMOURS, "bias_minus_10", model={"bias_initializer": Constant(-10.0)}),
    # Zeros, ones or any constant: all units of a layer are one and the same for ever.
    sick("symmetric_initialization", DIGITS, "zeros", model=same(Zeros)),
    sick("symmetric_initialization", SHAPES_SGD, "constant", model=same(partial(Constant, 0.05))),
    sick("symmetric_initialization", SPIRALS, "ones", model=same(Ones)),
    sick(
        "symmetric_initialization",
        DIGIT_ROWS_SGD,
        "zeros",
        model={
            "kernel_initializer": ZEROS,
            "recurrent_initializer": ZEROS,
            "head_options": {"kernel_initializer": ZEROS},
        },
    ),
)

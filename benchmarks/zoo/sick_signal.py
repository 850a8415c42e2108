"""Which trainings are stuck because signal or gradient gets lost between the layers?"""

from functools import partial

from keras import layers
from keras.initializers import Orthogonal

from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import DIGITS_SGD, SHAPES_SGD, SPIRALS, WAVES
from benchmarks.zoo.special_recipes import (
    CIRCLES,
    DEEP_DIGITS,
    DEEP_SHAPES,
    DEEP_TUMOURS,
    DIGITS_TANH,
    EARLY,
    NARROW_HOUSES,
    NARROW_MOONS,
    NARROW_TUMOURS,
    RESIDUAL_DIGITS,
    RESIDUAL_SHAPES,
    SHAPES_TANH,
    SHARED_TUMOURS,
    SPIRALS_TANH,
)

TIMES_100 = (partial(layers.Rescaling, 100.0, name="rescaling"),)
TIMES_1000 = (partial(layers.Rescaling, 1000.0, name="rescaling"),)

SICK = (
    # Layers without an activation are one linear layer.
    sick("hidden_activation_unsuitable", SPIRALS, "linear_spirals", model={"activation": None}),
    sick("hidden_activation_unsuitable", CIRCLES, "linear_circles", model={"activation": None}),
    # Sigmoids from an old textbook: a quarter of the gradient per layer and outputs that are never negative.
    sick("hidden_activation_unsuitable", DIGITS_SGD, "sigmoid", model={"activation": "sigmoid"}),
    sick("hidden_activation_unsuitable", SHAPES_SGD, "sigmoid", model={"activation": "sigmoid"}),
    # The activation of the output copied into every layer.
    sick("hidden_activation_unsuitable", DIGITS_SGD, "softmax", model={"activation": "softmax"}),
    # also: with relu the same networks learn, as the bases do.
    sick(
        "vanishing_gradients",
        DEEP_DIGITS,
        "sigmoid_digits",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid"},
    ),
    sick(
        "vanishing_gradients",
        DEEP_TUMOURS,
        "sigmoid_tumours",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid"},
    ),
    sick(
        "vanishing_gradients",
        DEEP_SHAPES,
        "deep_sigmoid",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid"},
    ),
    # What matters came first, and a sigmoid in a recurrent layer forgets it over 30 steps.
    sick(
        "vanishing_gradients",
        EARLY,
        "sigmoid_recurrence",
        ("hidden_activation_unsuitable",),
        model={"activation": "sigmoid"},
    ),
    # Each block adds to its input, and nothing brings the sum back to scale.
    sick("exploding_gradients", RESIDUAL_DIGITS, "unnormalised_residuals", model={"normalised": False}),
    sick("exploding_gradients", RESIDUAL_SHAPES, "unnormalised_residuals", model={"normalised": False}),
    sick("exploding_gradients", SHARED_TUMOURS, "unnormalised_loop", model={"normalised": False}),
    # A relu in a recurrent layer, whose matrix stretches: 24 times the same factor.
    # also: started at a gain of 1 it would not stretch.
    sick(
        "exploding_gradients",
        WAVES,
        "relu_recurrence",
        ("poor_initialization",),
        model={"cell": "SimpleRNN", "activation": "relu", "recurrent_initializer": partial(Orthogonal, gain=2.0)},
    ),
    # Deep and two units narrow: once both are negative nothing passes any more.
    sick("dying_relu", NARROW_TUMOURS, "narrow_tumours", model={"activation": "relu"}),
    sick("dying_relu", NARROW_MOONS, "narrow_moons", model={"activation": "relu"}),
    sick("dying_relu", NARROW_HOUSES, "narrow_houses", model={"activation": "relu"}),
    # The images are in 0 … 1 already when the model rescales them, the wrong way: so the inputs are to blame as well.
    *(
        sick("saturated_activations", recipe, twist, ("unnormalized_inputs",), model={"first": first})
        for recipe, twist, first in (
            (DIGITS_TANH, "rescaled_digits", TIMES_100),
            (SPIRALS_TANH, "rescaled_spirals", TIMES_1000),
            (SHAPES_TANH, "rescaled", TIMES_100),
        )
    ),
)

"""Which healthy trainings does one kind of fault need as its base? Deep, narrow, rare, large-batch, low-rate ones."""

from dataclasses import replace
from functools import partial

from keras.initializers import HeNormal
from keras.layers import BatchNormalization
from keras.optimizers import SGD, Adam

from benchmarks.zoo import data
from benchmarks.zoo.models import cnn, mlp, recurrent, residual
from benchmarks.zoo.recipe import changed
from benchmarks.zoo.recipes import (
    DIGITS,
    DIGITS_SGD,
    HOUSES,
    HOUSES_SGD,
    MOONS,
    SHAPES,
    SHAPES_SGD,
    SPIRALS,
    SPOTS,
    TAGS,
    TUMOURS,
    TUMOURS_SGD,
    WAVES,
    WINE,
    WINE_SGD,
)

CIRCLES = replace(MOONS, name="circles", data=data.circles)
DIGITS_ONE_HOT = replace(
    DIGITS,
    name="digits_one_hot",
    data=data.one_hot_digits,
    loss="categorical_crossentropy",
    metrics=("categorical_accuracy",),
)
DIGITS_FINE = changed(
    DIGITS, name="digits_fine", model={"units": (256, 128)}, optimizer={"learning_rate": 1e-4}, epochs=14
)
SHAPES_FINE = changed(
    SHAPES, name="shapes_fine", model={"filters": (16, 32)}, optimizer={"learning_rate": 2e-4}, epochs=14
)
DIGITS_SMALL_LOSS = changed(
    DIGITS, name="digits_small_loss", compile={"loss_weights": 1e-6}, optimizer={"epsilon": 1e-14}
)
BALANCED = {0: 0.52, 1: 15.0}
RARE = replace(
    TUMOURS,
    name="rare",
    data=data.rare,
    model=partial(mlp, 12, 1, head="sigmoid", units=(16,)),
    epochs=5,
    fit={"class_weight": {0: 0.51, 1: 20.0}},
)
RARE_KINDS = replace(
    WINE,
    name="rare_kinds",
    data=data.rare_kinds,
    model=partial(mlp, 12, 3, head="softmax", units=(16,)),
    epochs=5,
    batch_size=32,
    fit={"class_weight": {0: 0.35, 1: 13.0, 2: 13.0}},
)
RARE_SPOTS = replace(
    SHAPES,
    name="rare_spots",
    task="binary",
    data=data.rare_spots,
    model=partial(cnn, (12, 12, 1), 1, head="sigmoid"),
    loss="binary_crossentropy",
    optimizer=partial(Adam, learning_rate=1e-3),
    epochs=6,
    fit={"class_weight": BALANCED},
)
RARE_WAVES = replace(
    WAVES,
    name="rare_waves",
    task="binary",
    data=data.rare_waves,
    model=partial(recurrent, (24, 1), 1, head="sigmoid"),
    loss="binary_crossentropy",
    optimizer=partial(Adam, learning_rate=2e-3),
    epochs=6,
    fit={"class_weight": BALANCED},
)
EARLY = replace(
    WAVES,
    name="early",
    kind="rnn",
    data=data.early,
    optimizer=partial(Adam, learning_rate=1e-2),
    epochs=8,
    model=partial(recurrent, (30, 1), 3, head="softmax", cell="SimpleRNN"),
)
DEEP_DIGITS = changed(
    DIGITS_SGD, name="deep_digits", model={"units": (32,) * 9, "start": HeNormal}, optimizer={"learning_rate": 0.01}
)
DEEP_TUMOURS = changed(TUMOURS, name="deep_tumours", epochs=6, model={"units": (16,) * 10, "start": HeNormal})
DEEP_SHAPES = changed(
    SHAPES, name="deep_shapes", model={"filters": (8,) * 9, "start": HeNormal}, optimizer={"learning_rate": 2e-3}
)
NARROW_TUMOURS = changed(
    TUMOURS, name="narrow_tumours", model={"units": (2,) * 12, "activation": "elu", "start": HeNormal}
)
NARROW_MOONS = changed(MOONS, name="narrow_moons", model={"units": (2,) * 10, "activation": "elu", "start": HeNormal})
NARROW_HOUSES = changed(
    HOUSES, name="narrow_houses", model={"units": (2,) * 12, "activation": "elu", "start": HeNormal}
)
DIGITS_TANH = changed(DIGITS_SGD, name="digits_tanh", model={"activation": "tanh", "units": (32, 16, 16)})
SPIRALS_TANH = changed(SPIRALS, name="spirals_tanh", model={"activation": "tanh"})
SHAPES_TANH = changed(SHAPES, name="shapes_tanh", model={"activation": "tanh"})
RESIDUAL_DIGITS = replace(
    DIGITS_SGD,
    name="residual_digits",
    model=partial(residual, (64,), 10, "softmax"),
    optimizer=partial(SGD, learning_rate=0.01, momentum=0.9),
)
RESIDUAL_SHAPES = replace(
    SHAPES_SGD,
    name="residual_shapes",
    model=partial(residual, (12, 12, 1), 4, "softmax", width=8, blocks=14),
    optimizer=partial(SGD, learning_rate=0.02, momentum=0.9),
)
SHARED_TUMOURS = replace(
    TUMOURS_SGD,
    name="shared_tumours",
    model=partial(residual, (30,), 1, "sigmoid", 16, 12, shared=True),
    optimizer=partial(SGD, learning_rate=0.01, momentum=0.9),
)
DIGITS_NORMALISED = changed(
    DIGITS, name="digits_normalised", model={"between": (partial(BatchNormalization, momentum=0.9),)}
)
SHAPES_NORMALISED = changed(
    SHAPES, name="shapes_normalised", model={"between": (partial(BatchNormalization, momentum=0.9),)}
)
NOISY_LINE = replace(
    HOUSES_SGD,
    name="noisy_line",
    data=data.noisy_line,
    model=partial(mlp, 20, 1, head=None, units=(16,)),
    optimizer=partial(SGD, learning_rate=2e-3),
    batch_size=1,
    epochs=2,
)
NOISY_SPOTS = replace(
    SPOTS,
    name="noisy_spots",
    data=data.noisy_spots,
    optimizer=partial(SGD, learning_rate=3e-3),
    batch_size=1,
    epochs=2,
)
TAGS_SGD = replace(TAGS, name="tags_sgd", optimizer=partial(SGD, learning_rate=0.1), batch_size=2, epochs=2)
WINE_LARGE = replace(
    WINE_SGD, name="wine_large", optimizer=partial(SGD, learning_rate=0.2, momentum=0.9), batch_size=71, epochs=4
)
TUMOURS_LARGE = replace(
    TUMOURS_SGD, name="tumours_large", optimizer=partial(SGD, learning_rate=0.2, momentum=0.9), batch_size=128, epochs=4
)

"""Which models look odd and are not? Deep, dropped out, normalised, penalised, shared, masked, in half precision."""

from dataclasses import replace
from functools import cache, partial

import keras
import numpy as np
from keras import layers, regularizers
from keras.initializers import HeNormal
from keras.optimizers import SGD, Adagrad, Adam, AdamW, RMSprop

from benchmarks.zoo.data import LENGTH, VOCABULARY, Data, digits, parted, topics
from benchmarks.zoo.models import cnn, mlp, recurrent, residual, transformer
from benchmarks.zoo.recipe import Recipe, healthy, started
from benchmarks.zoo.recipes import (
    DIGIT_ROWS,
    DIGITS,
    DIGITS_SGD,
    FREQUENCIES,
    HOUSES,
    MOONS,
    RATINGS,
    REVIEWS,
    SHAPES,
    SPIRALS,
    TAGS,
    TUMOURS,
)
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome, Training
from tb_lossdiag import LossDiagnostics


def bag_of_words(outputs: int, width: int = 16) -> keras.Model:
    """The mean of the words' vectors."""
    source = keras.Input((LENGTH,), dtype="int32", name="tokens")
    mean = layers.GlobalAveragePooling1D(name="mean")(layers.Embedding(VOCABULARY, width, name="embedding")(source))
    return keras.Model(source, layers.Dense(outputs, activation="softmax", name="output")(mean))


@cache
def pairs() -> Data:
    """2,400 pairs of digits [2, 64]: is the first one larger?"""
    x, y, _, _ = digits()
    rng = np.random.default_rng(40)
    first, second = rng.integers(0, len(x), (2, 2400))
    apart = y[first] != y[second]
    first, second = first[apart], second[apart]
    return parted(np.stack([x[first], x[second]], 1), (y[first] > y[second])[:, None].astype("float32"))


def twins() -> keras.Model:
    """The same two layers read both digits."""
    source = keras.Input((2, 64), name="pair")
    read = keras.Sequential(
        [layers.Dense(48, activation="relu", name="read_1"), layers.Dense(16, activation="relu", name="read_2")],
        name="reader",
    )
    both = layers.Concatenate(name="both")([read(source[:, 0]), read(source[:, 1])])
    hidden = layers.Dense(24, activation="relu", name="hidden")(both)
    return keras.Model(source, layers.Dense(1, activation="sigmoid", name="output")(hidden))


@cache
def sentences() -> Data:
    """1,000 sentences of 6 to 14 words out of 20, 0 behind their end; each tag depends on two words."""
    rng = np.random.default_rng(41)
    x = rng.integers(1, 21, (1000, 14))
    before = np.concatenate([np.zeros((1000, 1), int), x[:, :-1]], 1)
    tag = (x % 3 + (before > 10)) % 3
    inside = np.arange(14) < rng.integers(6, 15, (1000, 1))
    return parted(x * inside, tag * inside)


def tagger(masked: bool = True) -> keras.Model:
    """A tag per word: recurrent and masked, or convolutional."""
    source = keras.Input((14,), dtype="int32", name="tokens")
    x = layers.Embedding(21, 16, mask_zero=masked, name="embedding")(source)
    if masked:
        x = layers.GRU(24, return_sequences=True, name="gru")(x)
        return keras.Model(source, layers.TimeDistributed(layers.Dense(3, activation="softmax"), name="output")(x))
    x = layers.Conv1D(32, 3, padding="causal", activation="relu", name="conv")(x)
    return keras.Model(source, layers.Dense(3, activation="softmax", name="output")(x))


def train_tagger(recipe: Recipe, log_dir: str, seed: int) -> Outcome:
    """Where the model carries no mask, weights keep the padding out of the loss."""
    data, model = started(recipe, seed)
    data = data._replace(y=data.y.astype("int32"), y_val=data.y_val.astype("int32"))
    inside, inside_val = ((x > 0).astype("float32") for x in (data.x, data.x_val))
    model.compile(recipe.optimizer(), recipe.loss, weighted_metrics=["accuracy"])
    options = {"epochs": recipe.epochs, "batch_size": recipe.batch_size, "sample_weight": inside}
    options["validation_data"] = (data.x_val, data.y_val, inside_val)
    history = model.fit(data.x, data.y, verbose=0, callbacks=[LossDiagnostics(log_dir)], **options)
    tags, tags_val = (np.asarray(model(x, training=False)) for x in (data.x, data.x_val))
    loss, _ = model.evaluate(data.x, data.y, sample_weight=inside, verbose=0)
    skills = (
        skill("classes", data.y[inside > 0], tags[inside > 0]),
        skill("classes", data.y_val[inside_val > 0], tags_val[inside_val > 0]),
    )
    return Outcome(history.history["loss"][-1], loss, *skills)


HALF = partial(layers.Dropout, 0.5)
RELU_8 = partial(mlp, 64, 10, "softmax", (32,) * 8, start=HeNormal)
BAG = Recipe(
    "bag",
    "embedding",
    "classes",
    topics,
    partial(bag_of_words, 4),
    "sparse_categorical_crossentropy",
    partial(Adagrad, 0.2),
    ("accuracy",),
    epochs=10,
)
TWINS = Recipe(
    "twins", "mlp", "binary", pairs, twins, "binary_crossentropy", partial(Adam, 3e-3), ("accuracy",), epochs=8
)
TAGGER = Recipe(
    "tagger", "gru", "classes", sentences, tagger, "sparse_categorical_crossentropy", partial(Adam, 1e-2), epochs=12
)
TAGGER_CONV = replace(TAGGER, name="tagger_conv", model=partial(tagger, masked=False))

HEALTHY: tuple[Training, ...] = (
    healthy(DIGITS, "dropout_half", model=partial(mlp, 64, 10, "softmax", (128, 64), between=(HALF,)), epochs=12),
    healthy(
        SHAPES,
        "dropout_half_before_the_head",
        epochs=12,
        model=partial(cnn, (12, 12, 1), 4, "softmax", units=64, before_head=(HALF,)),
    ),
    healthy(
        replace(DIGIT_ROWS, kind="lstm"),
        "two_layers_with_dropout",
        model=partial(recurrent, (8, 8), 10, "softmax", units=(24, 24), dropout=0.1),
        optimizer=partial(Adam, 5e-3),
    ),
    healthy(
        SHAPES,
        "batch_norm",
        epochs=15,
        model=partial(cnn, (12, 12, 1), 4, "softmax", between=(layers.BatchNormalization,)),
    ),
    healthy(
        DIGITS_SGD,
        "batch_norm",
        epochs=12,
        model=partial(mlp, 64, 10, "softmax", between=(layers.BatchNormalization,)),
    ),
    healthy(
        replace(DIGITS, kind="residual"),
        "12_deep",
        model=partial(residual, (64,), 10, "softmax", blocks=12),
        optimizer=partial(Adam, 1e-3),
        epochs=5,
    ),
    healthy(DIGITS, "relu_8_deep", model=RELU_8, optimizer=partial(Adam, 1e-3)),
    healthy(SPIRALS, "tanh", model=partial(mlp, 2, 3, "softmax", (48, 48), activation="tanh"), epochs=16),
    healthy(TUMOURS, "linear", model=partial(mlp, 30, 1, "sigmoid", ()), optimizer=partial(SGD, 0.1)),
    healthy(HOUSES, "gelu", model=partial(mlp, 6, 1, None, (32, 16), activation="gelu")),
    healthy(MOONS, "swish", model=partial(mlp, 2, 1, "sigmoid", (32, 32), activation="swish")),
    healthy(DIGITS, "l2", model=partial(mlp, 64, 10, "softmax", kernel_regularizer=regularizers.L2(1e-4))),
    healthy(
        TAGS, "l1", model=partial(mlp, 24, 6, "sigmoid", (48,), kernel_regularizer=regularizers.L1(1e-5)), epochs=5
    ),
    healthy(DIGITS, "mixed_float16", policy="mixed_float16"),
    healthy(SHAPES, "mixed_bfloat16", policy="mixed_bfloat16"),
    healthy(BAG, "bag_of_words_adagrad"),
    healthy(TWINS, "layers_shared"),
    healthy(
        REVIEWS,
        "two_blocks_with_dropout",
        epochs=5,
        optimizer=partial(AdamW, 2e-3, weight_decay=0.01),
        model=partial(transformer, LENGTH, VOCABULARY, 1, "sigmoid", blocks=2, between=(partial(layers.Dropout, 0.1),)),
    ),
    healthy(RATINGS, "gelu", model=partial(transformer, LENGTH, VOCABULARY, 1, None, activation="gelu")),
    healthy(DIGIT_ROWS, "two_layers", model=partial(recurrent, (8, 8), 10, "softmax", "GRU", (24, 24)), epochs=7),
    healthy(
        replace(FREQUENCIES, kind="lstm"),
        "sine_frequencies",
        model=partial(recurrent, (24, 1), 1, None),
        optimizer=partial(RMSprop, 5e-3),
    ),
    Training("healthy-gru-tags_masked", None, partial(train_tagger, TAGGER)),
    Training("healthy-cnn-tags_weighted", None, partial(train_tagger, TAGGER_CONV)),
)

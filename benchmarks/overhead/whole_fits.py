"""What do whole fits cost? Fits of one model in a loop, and fits of a step that draws random numbers of its own."""

import random
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks.overhead.models import CLASSES, SUBJECTS, Subject
from benchmarks.overhead.paired import Comparison, Seconds, alternate
from tb_lossdiag import LossDiagnostics

STEPS = 100  # a fit's: of a small MLP it takes a quarter of a second
Callbacks = Callable[[], list]


def in_a_loop(seconds: float) -> dict[str, Comparison]:
    """By what each fit is given: later fits of an MLP to those of another MLP that is not recorded."""
    with tempfile.TemporaryDirectory() as logs:
        one, numbers = LossDiagnostics(f"{logs}/one"), iter(range(10**6))
        given: dict[str, Callbacks] = {
            "the same callback": lambda: [one],
            "a new callback, the same directory": lambda: [LossDiagnostics(f"{logs}/same")],
            "a new callback, a new directory": lambda: [LossDiagnostics(f"{logs}/{next(numbers)}")],
        }
        return {arm: _compared(SUBJECTS["mlp"].model, callbacks, seconds) for arm, callbacks in given.items()}


def drawing(seconds: float) -> dict[str, Comparison]:
    """By how it is recorded: fits of an MLP whose step draws from TensorFlow's own operators."""
    with tempfile.TemporaryDirectory() as logs:
        return {
            told: _compared(_drawing_model, _one_after_another(Path(logs) / told, every), seconds)
            for told, every in (("between samples", 10**9), ("every=10", 10))
        }


def _one_after_another(log_dir: Path, every: int) -> Callbacks:
    """With "every", unlike with "auto", each fit samples its first and its last step; these are two of its steps."""
    one = LossDiagnostics(log_dir, every=every)
    return lambda: [one]


class Noise(keras.layers.Layer):
    def call(self, x):
        return x + 0.1 * tf.random.normal(tf.shape(x))


def _drawing_model(jit_compile: bool) -> keras.Model:
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(units, activation="relu") for units in (512, 256, 128)]
    model = keras.Sequential([keras.Input((128,)), Noise(), *hidden, keras.layers.Dense(CLASSES, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=jit_compile)
    return model


def _compared(build: Callable[[bool], keras.Model], callbacks: Callbacks, seconds: float) -> Comparison:
    subject: Subject = SUBJECTS["mlp"]
    bare, recorded = build(False), build(False)
    fit = partial(_fit, data=subject.data())
    for _ in range(2):
        fit(bare, [])
        fit(recorded, callbacks())
    return alternate(
        lambda plain: fit(bare, []) if plain else fit(recorded, callbacks()),
        STEPS,
        seconds,
        time.perf_counter,
        random.Random(0),
    )


def _fit(model: keras.Model, callbacks: list, data: tf.data.Dataset) -> Seconds:
    cpu, wall = time.process_time(), time.perf_counter()
    model.fit(data, epochs=1, steps_per_epoch=STEPS, verbose=0, callbacks=callbacks)
    return Seconds(time.process_time() - cpu, time.perf_counter() - wall)

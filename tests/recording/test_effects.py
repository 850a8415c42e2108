"""What a loss of the user's own does beside computing is read from its code, and it is not called for that."""

import functools
import logging
import random

import keras
import numpy as np
import pytest

from tb_lossdiag.recording.effects import COUNTS, PRINTS, effect_of, unmoved

calls, seen, count = [0], [], 0
logger = logging.getLogger("losses")


def plain(y, p):
    parts = []
    for power in (1, 2):
        parts.append(keras.ops.mean(keras.ops.abs(y - p) ** power))
    sizes = {"last": parts[-1]}
    sizes["first"] = parts[0]
    return keras.ops.add(sizes["first"], sizes["last"])


def through_another(y, p):
    return plain(y, p) + np.add(1.0, 2.0)


def made(margin):
    def loss(y, p):
        return keras.ops.maximum(plain(y, p), margin)

    return loss


class Own(keras.losses.Loss):
    def __init__(self, margin=0.5):
        super().__init__()
        self.margin = margin
        self.base = keras.losses.Huber()

    def call(self, y, p):
        return self.base(y, p) + self.scaled(p)

    def scaled(self, p):
        return self.margin * keras.ops.mean(p)


class Callable:
    def __call__(self, y, p):
        return plain(y, p)


HARMLESS = {
    "a function": plain,
    "one that calls another": through_another,
    "a closure": made(0.2),
    "a lambda": lambda y, p: plain(y, p),
    "part of a function": functools.partial(plain, y=None),
    "a loss class": Own(),
    "a callable object": Callable(),
    "one of Keras's": keras.losses.MeanSquaredError(),
    "a function of Keras's": keras.losses.mean_squared_error,
    "a bound method": Own().scaled,
}


def counts_in_a_list(y, p):
    calls[0] += 1
    return plain(y, p)


def counts_in_a_global(y, p):
    global count
    count += 1
    return plain(y, p)


def collects(y, p):
    seen.append(p)
    return plain(y, p)


def prints(y, p):
    print("loss")
    return plain(y, p)


def logs(y, p):
    logger.info("loss")
    return plain(y, p)


def calls_one_that_counts(y, p):
    return counts_in_a_list(y, p)


def hands_on(y, p):
    return keras.ops.vectorized_map(collects, (y, p))


def counts_in_a_closure():
    number = 0

    def loss(y, p):
        nonlocal number
        number += 1
        return plain(y, p) * number

    return loss


class Anneals(Own):
    def call(self, y, p):
        self.margin = 0.9 * self.margin
        return self.margin * plain(y, p)


class Remembers(Own):
    def __init__(self):
        super().__init__()
        self.history = []

    def call(self, y, p):
        return self.kept(plain(y, p))

    def kept(self, value):
        self.history.append(value)
        return value


class Inner(Callable):
    def __init__(self, inner):
        self.inner = inner

    def __call__(self, y, p):
        return self.inner(y, p)


EFFECTS = {
    "counts in a list": (counts_in_a_list, COUNTS),
    "counts in a global": (counts_in_a_global, COUNTS),
    "counts in a closure": (counts_in_a_closure(), COUNTS),
    "collects": (collects, COUNTS),
    "prints": (prints, PRINTS),
    "logs": (logs, PRINTS),
    "calls one that counts": (calls_one_that_counts, COUNTS),
    "hands one on that collects": (hands_on, COUNTS),
    "a lambda that prints": (lambda y, p: print(p) or plain(y, p), PRINTS),
    "a part of one that counts": (functools.partial(counts_in_a_list), COUNTS),
    "a loss that changes its own attribute": (Anneals(), COUNTS),
    "a loss that fills a list": (Remembers(), COUNTS),
    "an object that holds one that counts": (Inner(counts_in_a_list), COUNTS),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_loss_that_only_computes_has_no_effect(name):
    assert effect_of(HARMLESS[name]) is None


@pytest.mark.parametrize("name", EFFECTS)
def test_a_loss_that_does_more_is_told_and_is_not_called(name):
    function, effect = EFFECTS[name]
    before = (calls[0], list(seen), count)
    assert effect_of(function) == effect
    assert (calls[0], list(seen), count) == before


def test_random_numbers_drawn_in_a_block_are_drawn_again_after_it():
    for draw in (random.random, np.random.rand):
        with unmoved() as drew:
            first = draw()
        assert drew == [True] and draw() == first
    with unmoved() as drew:
        pass
    assert drew == [False]

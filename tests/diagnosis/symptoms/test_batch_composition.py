from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.batch_composition import MIN_BATCHES, check
from tb_lossdiag.run import Row, Table

RANDOM = np.random.default_rng(0)


def batches(mean, spread=None, loss="sparse_categorical_crossentropy", size=32):
    """A run with these target means and deviations, [batches, outputs]."""
    mean = np.asarray(mean, np.float64)
    spread = np.sqrt(np.abs(mean * (1 - mean))) if spread is None else np.asarray(spread)
    rows = tuple(Row(str(i), "target") for i in range(mean.shape[1]))
    table = Table(np.arange(1, len(mean) + 1), rows, ("mean", "std"), np.stack([mean, spread], -1).astype(np.float32))
    return s.healthy(targets=table, card=s.card(loss={"name": loss}, batch_size=size))


def drawn(shares, size, count=36):
    return RANDOM.multinomial(size, shares, size=count) / size


def numbers(values, size=32):
    """values: [batches, examples] of one regression target."""
    return batches(values.mean(axis=1)[:, None], values.std(axis=1)[:, None], "mse", size)


def test_batches_of_one_class_each_are_sorted():
    found = check(batches(np.eye(10)[np.arange(40) // 4]))
    assert (found.state, found.onset, found.sign("level")) == ("found", 1, "sorted")
    assert found.sign("ratio") == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("classes", "level"), [(2, "sorted"), (4, "mixed")])
def test_a_batch_must_hold_half_of_the_entropy(classes, level):
    shares = np.zeros((40, 10))
    for i in range(40):
        shares[i, (i + np.arange(classes)) % 10] = 1 / classes
    found = check(batches(shares))
    assert found.sign("level") == level
    assert found.sign("ratio") == pytest.approx(np.log(classes) / np.log(10))


@pytest.mark.parametrize(("shares", "size"), [
    ([0.1] * 10, 32), ([0.5, 0.5], 8), ([0.97, 0.03], 64), ([0.9, 0.05, 0.05], 32), ([0.01] * 100, 256),
])  # fmt: skip
def test_random_batches_are_mixed_rare_classes_included(shares, size):
    assert check(batches(drawn(shares, size), size=size)).state == "not_found"


@pytest.mark.parametrize(("shares", "size"), [([0.1] * 10, 4), ([0.99, 0.01], 16), ([0.5, 0.5], 1)])
def test_batches_too_small_to_hold_all_classes_decide_nothing(shares, size):
    assert check(batches(drawn(shares, size), size=size)).state == "inconclusive"


def test_a_single_yes_or_no_unit_is_two_classes():
    sides = (np.arange(40) < 20).astype(float)[:, None]
    assert check(batches(sides, loss="binary_crossentropy")).found
    mixed = RANDOM.binomial(32, 0.3, (40, 1)) / 32
    assert check(batches(mixed, loss="binary_crossentropy")).sign("level") == "mixed"


def test_targets_in_order_of_size_are_sorted():
    values = np.sort(RANDOM.normal(size=40 * 32)).reshape(40, 32)
    found = check(numbers(values))
    assert (found.state, found.sign("level")) == ("found", "sorted")
    assert check(numbers(RANDOM.permutation(values.ravel()).reshape(40, 32))).state == "not_found"


@pytest.mark.parametrize(("between", "state"), [(1.02, "found"), (0.98, "not_found")])
def test_half_of_the_variance_must_lie_inside_the_batches(between, state):
    mean = np.sqrt(between) * np.where(np.arange(40) % 2, 1.0, -1.0)[:, None]
    assert check(batches(mean, np.ones((40, 1)), "mse")).state == state


def test_a_few_batches_decide_nothing():
    sorted_batches = np.eye(10)[np.arange(MIN_BATCHES)]
    assert check(batches(sorted_batches)).found
    assert check(batches(sorted_batches[1:])).state == "inconclusive"


@pytest.mark.parametrize("run", [
    batches(np.tile([1.0, 0.0], (40, 1))), batches(np.zeros((40, 1)), loss="mse"), batches(np.full((40, 10), 0.01)),
    batches(np.full((40, 1), 2.0), loss="binary_crossentropy"), batches(np.eye(10)[np.arange(40) // 4], size=None),
])  # fmt: skip
def test_targets_that_do_not_vary_or_are_not_known_decide_nothing(run):
    assert check(run).state == "inconclusive"


@pytest.mark.parametrize("damage", [{"targets": None}, {"card": None}, {"targets": replace(s.target_table(), rows=())}])
def test_without_targets_the_check_asks_for_them(damage):
    assert check(s.healthy(**damage)).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for loss in ("mse", "binary_crossentropy", "categorical_crossentropy"):
        for run in s.hostile(batches(drawn([0.1] * 10, 32), loss=loss)):
            assert check(run).id == "batch_composition"


def test_targets_that_a_training_raises_as_it_goes_are_not_sorted():
    """Such as the values of the states that a Q-network visits, which it learns itself."""
    level = np.linspace(0, 30, 36)[:, None]
    found = check(numbers(level * (1 + 0.3 * RANDOM.normal(size=(36, 32)))))
    assert found.sign("level") == "mixed"


@pytest.mark.parametrize("epochs", [1, 4])
def test_rows_in_order_of_their_target_are_sorted_in_every_part_of_a_training(epochs):
    rows = np.sort(RANDOM.normal(size=(36 // epochs) * 32)).reshape(-1, 32)
    assert check(numbers(np.concatenate([rows] * epochs))).sign("level") == "sorted"

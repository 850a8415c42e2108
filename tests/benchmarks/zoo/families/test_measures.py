import numpy as np
import pytest

from benchmarks.zoo.families.measures import explained, tokens_right, told_apart

CLASSES = np.repeat(np.arange(4), 50)


def around(centres: np.ndarray, noise: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    return centres[CLASSES] + noise * rng.normal(size=(len(CLASSES), centres.shape[1]))


def test_codes_that_point_apart_by_class_are_good():
    assert told_apart(around(np.eye(4)), CLASSES) > 0.9


def test_codes_that_all_point_one_way_are_worth_nothing_though_the_nearest_centre_names_them():
    one_way = around(np.ones(4) * 100 + np.eye(4), 0.01)
    assert told_apart(one_way, CLASSES) < 0.01


@pytest.mark.parametrize("codes", [np.zeros((200, 4)), np.full((200, 4), np.nan)])
def test_codes_that_are_all_alike_or_no_numbers_are_worth_nothing(codes):
    assert told_apart(codes, CLASSES) <= 0


def test_the_mean_of_each_column_explains_nothing_and_the_truth_all():
    truth = np.random.default_rng(0).normal((0, 10, 100), size=(100, 3))
    assert explained(truth, truth) == 1
    assert explained(truth, np.tile(truth.mean(0), (100, 1))) == pytest.approx(0)
    assert explained(truth, truth * np.nan) == 0


def test_only_tokens_that_count_are_right_or_wrong():
    truth, counts = np.array([[1, 2, 0], [2, 1, 0]]), np.array([[1, 1, 0], [1, 1, 0]])
    scores = np.eye(3)[[[1, 2, 2], [2, 1, 1]]]
    assert tokens_right(truth, scores, counts) == 1
    assert tokens_right(truth, scores) < 1

"""A training with two faults is the base with what either fault has changed, and nothing else."""

import numpy as np

from benchmarks.zoo.both import ALONE, SAME, all_pairs, is_possible, pairs
from benchmarks.zoo.recipe import sick
from benchmarks.zoo.recipes import DIGITS, HOUSES
from benchmarks.zoo.sick_data import inputs, targets

FAST = sick("learning_rate_too_high", DIGITS, "fast", optimizer={"learning_rate": 0.5})
EPSILON = sick("optimizer_epsilon_dominates", DIGITS, "epsilon", optimizer={"epsilon": 10.0})
NARROW = sick("insufficient_capacity", DIGITS, "narrow", model={"units": (1,)})
SQUASHED = sick("hidden_activation_unsuitable", DIGITS, "squashed", model={"activation": "sigmoid"})
WIDER = sick("poor_initialization", DIGITS, "wider", model={"units": (2,)})
BRIGHT = sick("unnormalized_inputs", HOUSES, "bright", data=inputs(HOUSES, lambda x: x * 255))
DEAR = sick("unscaled_targets", HOUSES, "dear", data=targets(HOUSES, lambda y: y * 1e5))
BRIGHTER = sick("constant_scale", HOUSES, "brighter", data=inputs(HOUSES, lambda x: x * 9))
BASES = {"digits": DIGITS, "houses": HOUSES}


def made(*trainings):
    return {(pair.first.cause, pair.second.cause): pair.training for pair in pairs(trainings, BASES)}


def recipe(training):
    return training.train.args[0]


def test_both_changes_are_in_it_and_the_rest_is_the_bases():
    (training,) = made(FAST, NARROW).values()
    both = recipe(training)
    assert both.optimizer.keywords["learning_rate"] == 0.5 and both.model.keywords["units"] == (1,)
    assert (both.loss, both.epochs, both.data, training.base) == (DIGITS.loss, DIGITS.epochs, DIGITS.data, "digits")


def test_two_options_of_one_factory_meet_unless_they_are_the_same():
    both = recipe(made(NARROW, SQUASHED)["insufficient_capacity", "hidden_activation_unsuitable"])
    assert (both.model.keywords["units"], both.model.keywords["activation"]) == ((1,), "sigmoid")
    assert not made(NARROW, WIDER)


def test_faults_of_one_kind_or_of_other_bases_do_not_meet():
    assert not made(FAST, EPSILON) and not made(FAST, DEAR)


def test_data_spoiled_in_two_places_are_spoiled_in_both():
    (pair,) = pairs((BRIGHT, DEAR), BASES)
    x, y, x_val, y_val = recipe(pair.training).data()
    whole = HOUSES.data()
    np.testing.assert_array_equal(x, whole.x * 255)
    np.testing.assert_array_equal(y, whole.y * 1e5)
    assert is_possible(pair) and len(x_val) == len(y_val)


def test_data_spoiled_twice_in_one_place_cannot_be_made():
    (pair,) = pairs((BRIGHT, BRIGHTER), BASES)
    assert not is_possible(pair)


def test_the_zoo_has_pairs_of_many_kinds_each_with_a_name_of_its_own():
    known = all_pairs()
    names = [pair.training.name for pair in known]
    assert len(set(names)) == len(names) > 50
    for pair in known:
        causes = {pair.first.cause, pair.second.cause}
        assert len(causes) == 2 and not causes & ALONE and not any(causes <= group for group in SAME)

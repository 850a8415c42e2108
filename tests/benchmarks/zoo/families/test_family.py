from dataclasses import replace

import pytest

from benchmarks.zoo.families.family import Family, fault, trainings

FAMILY = Family(
    "ranking",
    "torch",
    print,
    {"plain": {"rate": 1}, "listwise": {"rate": 2, "loss": "list"}},
    (
        fault("shape_broadcast", "flat", flat=True),
        fault("learning_rate_too_high", "rate_9", "exploding_gradients", of="listwise", rate=9),
    ),
)


def test_a_training_is_named_by_its_cause_backend_family_and_twist():
    names = [one.name for one in trainings(FAMILY)]
    assert names[:2] == ["healthy-torch-ranking_plain", "healthy-torch-ranking_listwise"]
    assert names[2:] == ["shape_broadcast-torch-ranking_flat", "learning_rate_too_high-torch-ranking_rate_9"]


def test_a_sick_one_is_its_twin_with_the_options_of_the_fault():
    *_, flat, high = trainings(FAMILY)
    assert flat.train.keywords == {"rate": 1, "flat": True} and flat.base == "ranking_plain"
    assert high.train.keywords == {"rate": 9, "loss": "list"} and high.base == "ranking_listwise"
    assert high.truth == ("learning_rate_too_high", "exploding_gradients")


def test_a_family_may_be_tuned_on_unless_it_says_otherwise():
    assert not FAMILY.kept_out


@pytest.mark.parametrize("out", [True, False])
def test_all_programs_of_a_family_that_is_kept_out_are_held_out(out):
    made = trainings(replace(FAMILY, kept_out=out))
    assert len(made) == 4 and all(one.held_out == out and one.family == "ranking" for one in made)

import pytest

from benchmarks.zoo.families.family import Family, fault, kept_out, trainings

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


@pytest.mark.parametrize(("name", "out"), [("dice", True), ("pinn", True), ("huber", False), ("ctc", False)])
def test_the_name_alone_decides_what_is_kept_out_of_tuning(name, out):
    family = Family(name, "torch", print, {"plain": {}}, ())
    assert kept_out(name) == family.kept_out == out
    assert all(one.held_out == out and one.family == name for one in trainings(family))

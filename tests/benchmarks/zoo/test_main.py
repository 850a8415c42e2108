from benchmarks.zoo.__main__ import KEPT_OUT, TUNED, parts
from benchmarks.zoo.training import Training

HALF = Training("a-mlp-x", "a", print, held_out=True)
OTHER_HALF = Training("a-mlp-y", "a", print)
KEPT = Training("a-torch-dice_x", "a", print, held_out=True, family="dice")
KNOWN = Training("a-torch-ctc_x", "a", print, family="ctc")
EVERY = (HALF, OTHER_HALF, KEPT, KNOWN)


def test_families_are_scored_apart_from_the_recipes_and_by_whether_they_may_be_tuned_on():
    assert parts(EVERY, "families") == {TUNED: [KNOWN], KEPT_OUT: [KEPT]}
    assert parts(EVERY, "held-out") == {"held-out": [HALF]}
    assert parts(EVERY, "tune") == {"tune": [OTHER_HALF]}
    assert parts(EVERY, "all") == {"all": [HALF, OTHER_HALF]}

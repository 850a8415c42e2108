"""The part of the zoo that every test run trains, at one seed of three, all of it from the half that is held out: every
healthy training, the first sick one of each cause, and the bases these were made from.

`python -m benchmarks.zoo` judges the rest, and `python -m benchmarks.zoo.truth` tells whether all are as sick or
healthy as they claim.
"""

from pathlib import Path

import pytest

from benchmarks.zoo import score, table
from benchmarks.zoo.__main__ import judge
from benchmarks.zoo.families.families import FAMILY_TRAININGS
from benchmarks.zoo.record import DEFAULT_FOLDER, record, recording
from benchmarks.zoo.truth import complaints, is_base
from benchmarks.zoo.zoo import TRAININGS, ZOO
from tb_lossdiag.diagnosis.causes import CANDIDATES

SEED = 0
HELD_OUT = [one for one in ZOO if one.held_out]
HEALTHY = [one for one in HELD_OUT if not one.cause]
SICK = list({one.cause: one for one in reversed(HELD_OUT) if one.cause}.values())
JUDGED = (*HEALTHY, *SICK)
BASES = [one for one in ZOO if is_base(one) and one.base in {one.base for one in SICK}]
TRAINED = (*JUDGED, *(one for one in BASES if not one.held_out))
# Two runs less than measured at this seed (38, 37 and 38 of 38, none of 69 accused): another processor rounds
# differently, and a run on the edge may then fall on the other side.
DETECTED, FIRST, AMONG_THREE, ACCUSED = 0.94, 0.92, 0.94, 0.03


def test_every_cause_has_three_trainings_some_of_them_held_out_and_some_not():
    ids = {candidate.id for candidate in CANDIDATES}
    every = (*ZOO, *FAMILY_TRAININGS)
    for cause in ids:
        assert sum(cause in one.truth for one in every) >= 3, cause
        assert any(cause in one.truth and not one.held_out for one in every), cause
        # What stands in families alone need not stand in those that are kept out: these tell nobody what they have.
        assert {one.held_out for one in ZOO if cause in one.truth} in ({True, False}, set()), cause
    assert {one.cause for one in HELD_OUT} == {one.cause for one in ZOO if not one.held_out} <= {None, *ids}


def test_there_are_sixty_sick_and_forty_healthy_trainings_at_least():
    sick = [one for one in ZOO if one.cause]
    assert len(sick) >= 60 and len(ZOO) - len(sick) >= 40


def test_names_are_unique_and_what_only_tunes_is_not_held_out():
    assert {*HELD_OUT, *FAMILY_TRAININGS} >= {one for one in TRAININGS if one.held_out}
    assert len({one.name for one in TRAININGS}) == len(TRAININGS)


@pytest.fixture(scope="module")
def folder() -> Path:
    record(TRAINED, [SEED], DEFAULT_FOLDER)
    return DEFAULT_FOLDER


@pytest.mark.slow
def test_every_training_runs_and_is_as_sick_or_healthy_as_it_claims(folder):
    errors = [done.error for one in TRAINED if (done := recording(folder, one.name, SEED)).error]
    assert not errors
    assert not list(complaints(TRAINED, [SEED], folder))


@pytest.mark.slow
def test_held_out_causes_are_named_and_healthy_runs_are_left_alone(folder):
    answers = judge(JUDGED, [SEED], folder, peers=False)["tb_lossdiag"]
    assert len(answers) == len(JUDGED)
    sick, healthy = table.apart(answers)
    told = "\n".join(table.wrong(answers))
    assert _part(score.share(sick, lambda one: one.detected)) >= DETECTED, told
    assert _part(score.share(sick, lambda one: one.first)) >= FIRST, told
    assert _part(score.share(sick, lambda one: one.among_three)) >= AMONG_THREE, told
    assert _part(score.share(healthy, lambda one: one.alarmed)) <= ACCUSED, told
    assert not any(one.critical for one in healthy), told


def _part(share: score.Share) -> float:
    return share.hits / share.total

"""Every test run trains a part of the families at one seed: of each the plain program and the first with a fault."""

import subprocess
import sys
from collections import Counter

import pytest

from benchmarks.zoo.families import huber, tf_physics
from benchmarks.zoo.families.families import FAMILIES, FAMILY_TRAININGS
from benchmarks.zoo.families.family import BACKENDS, trainings
from benchmarks.zoo.record import DEFAULT_FOLDER, record, recording
from benchmarks.zoo.truth import complaints, is_base
from tb_lossdiag.schema import RUN_DIRECTORY

SEED = 0
# Faults that no recipe of the zoo has.
NEW = {
    "shape_broadcast",
    "untracked_weights",
    "unbalanced_loss_terms",
    "posterior_collapse",
    "representation_collapse",
    "unbounded_loss",
    "gradients_not_cleared",
}


def test_ten_families_are_kept_out_three_or_more_of_each_backend():
    out = [family for family in FAMILIES if family.kept_out]
    assert len(out) == 10
    for backend in BACKENDS:
        assert sum(family.backend == backend for family in out) >= 3
        assert any(family.backend == backend and not family.kept_out for family in FAMILIES)


def test_every_family_has_healthy_programs_and_sick_ones():
    for family in FAMILIES:
        assert next(iter(family.healthy)) == "plain" and len(family.healthy) >= 2 and family.sick, family.name


def test_every_healthy_program_counts_as_one_that_must_learn():
    healthy = [one for one in FAMILY_TRAININGS if one.cause is None]
    assert all(is_base(one) for one in healthy) and len(healthy) >= 80


def test_names_are_unique_and_every_sick_program_has_its_twin():
    assert max(Counter(one.name for one in FAMILY_TRAININGS).values()) == 1
    assert {one.base for one in FAMILY_TRAININGS} == {one.base for one in FAMILY_TRAININGS if one.cause is None}


def test_faults_that_no_recipe_has_stand_in_families_that_may_be_tuned_on():
    """Which of them stand in the others is not for whoever tunes to read."""
    assert {cause for one in FAMILY_TRAININGS if not one.held_out for cause in one.truth} >= NEW


@pytest.mark.parametrize(
    "run", [huber.train, lambda log, seed: tf_physics.train(log, seed, steps=4)], ids=["keras", "loop"]
)
def test_a_program_leaves_a_log_and_says_how_it_ended(run, tmp_path):
    outcome = run(str(tmp_path), 0)
    assert list((tmp_path / RUN_DIRECTORY).glob("events.out.tfevents.*"))
    assert -1 <= outcome.skill <= 1


def test_what_trains_in_torch_is_found_without_tensorflow():
    code = """
from benchmarks.zoo.record import _prepare_torch
_prepare_torch()
from benchmarks.zoo.families.in_torch import IN_TORCH
print(len(IN_TORCH))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == str(sum(family.backend == "torch" for family in FAMILIES)), done.stderr[-2000:]


@pytest.mark.slow
def test_programs_are_as_sick_or_healthy_as_they_claim():
    first = [trainings(family)[len(family.healthy)] for family in FAMILIES]
    twins = [one for one in FAMILY_TRAININGS if one.cause is None and one.base in {one.base for one in first}]
    trained = (*first, *twins)
    record(trained, [SEED], DEFAULT_FOLDER)
    assert not [done.error for one in trained if (done := recording(DEFAULT_FOLDER, one.name, SEED)).error]
    assert not list(complaints(trained, [SEED], DEFAULT_FOLDER))

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.output_collapse import check
from tb_lossdiag.run import Run


def embedded(spread, name: str = "TripletSemiHardLoss", **changes) -> Run:
    """Outputs of which those of a batch differ by this much of their size."""
    return s.healthy(**{"card": a.own(loss={"name": name}), "data": a.table({"output": {"diversity": spread}}),
                        "targets": None, **changes})  # fmt: skip


@pytest.mark.parametrize("name", ["TripletSemiHardLoss", "contrastive_loss", "nt_xent", "InfoNCE", "siamese_distance"])
def test_embeddings_that_are_one_point_are_found(name):
    found = check(embedded(1e-6, name))
    assert found.found and found.sign("kind") == "embeddings" and found.onset == 1


def test_embeddings_that_differ_are_sound():
    assert check(embedded(0.5)).state == "not_found"


def test_the_onset_is_when_they_came_together():
    spread = np.where(a.STEPS < 40, 0.5, 1e-5)
    assert check(embedded(spread)).onset == 40


@pytest.mark.parametrize("name", ["mse", "sparse_categorical_crossentropy", "my_loss"])
def test_classes_and_numbers_are_another_checks_matter(name):
    assert check(embedded(1e-6, name, targets=s.target_table([1.0], [2.0]))).state == "not_run"


def test_a_loop_that_does_not_name_its_loss_may_make_embeddings():
    assert check(embedded(1e-6, "")).sign("kind") == "unknown"
    classes = a.own(loss={}, settings={"target_kind": "sparse_classes"})
    assert check(replace(embedded(1e-6), card=classes)).state == "not_run"


def test_a_loss_that_no_permutation_changes_is_told():
    blind = {"loss": 0.5, "loss_shuffled": 0.5, "loss_shuffled_change": 0.0, "diversity": 1e-6}
    run = embedded(1e-6, data=a.table({"output": blind}))
    assert check(run).sign("blind") and "whichever example" in check(run).evidence[0].text
    assert not check(embedded(1e-6)).sign("blind")


def test_one_example_a_batch_is_always_one_point():
    assert check(embedded(0.0, card=a.own(loss={"name": "triplet"}, batch_size=1))).state == "inconclusive"

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.output_collapse import check
from tb_lossdiag.run import Row, Run


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


def drawn(loss, spread, name="", **changes) -> Run:
    """A loss of every step, and outputs that differ by this much in the sampled ones."""
    loss = np.interp(s.STEPS, a.STEPS, np.broadcast_to(np.asarray(loss, float), len(a.STEPS)))
    return embedded(spread, name, steps=s.loss(loss), **changes)


NEARER = 0.5 * np.exp(-a.STEPS / 100)


@pytest.mark.parametrize("power", [1.0, 2.0, 2.5])
@pytest.mark.parametrize("name", ["", "contrastive_loss"])
def test_a_loss_that_falls_with_the_spread_of_the_outputs_asks_that_they_be_alike(power, name):
    found = check(drawn(a.noisy(0.1 * NEARER**power, 0.1), NEARER, name))
    assert found.found and found.sign("power") == pytest.approx(power, abs=0.2) and not found.sign("one_point")
    assert "nothing but that they be alike" in found.evidence[0].text and found.onset > 100


def test_outputs_that_all_go_to_nothing_are_found_by_what_they_differ_by_in_themselves():
    run = drawn(0.1 * NEARER**2, 0.7)
    assert check(run).state == "not_found"
    values = run.data.values.copy()
    values[:, -1, run.data.columns.index("feature_std_max")] = NEARER
    assert check(replace(run, data=replace(run.data, values=values))).sign("power") == pytest.approx(2, abs=0.1)


def numbers_around(mean, pace, start=0.3, spread=3.0):
    """Outputs that come from 0 to numbers around a mean: their size grows, so that they differ by ever less of it."""
    come = start + (mean - start) * (1 - np.exp(-a.STEPS / pace))
    return (mean - come) ** 2 + spread**2, 0.7 * start / come


@pytest.mark.parametrize("mean", [3.0, 10.0, 100.0, 1000.0, 1e5])
@pytest.mark.parametrize("pace", [10, 60, 150, 400])
@pytest.mark.parametrize("spread", [0.01, 0.3, 3.0])
def test_numbers_with_an_offset_come_nearer_to_each_other_and_the_loss_falls_but_not_in_step(mean, pace, spread):
    assert check(drawn(*numbers_around(mean, pace, spread=spread))).sign("power") is None


@pytest.mark.parametrize(("loss", "spread"), [
    (a.along(0.4, 0.04), a.along(0.4, 1.1)),  # healthy: further apart than at first
    (a.along(0.4, 0.04), np.r_[a.along(0.8, 0.3)[:20], a.along(0.3, 1.1)[20:]]),  # nearer for a while
    (a.noisy(np.full(len(a.STEPS), 0.4)), NEARER),  # at its margin: another matter
    (a.along(0.4, 0.2), 0.5 * np.exp(-a.STEPS / 200)),  # comes to rest above 0
])  # fmt: skip
def test_embeddings_that_keep_apart_or_a_loss_that_does_not_follow_are_sound(loss, spread):
    assert check(drawn(loss, spread)).sign("power") is None


def test_players_against_each_other_may_come_nearer():
    run = drawn(0.1 * NEARER**2, NEARER)
    rows = s.with_rows(run.data, (Row("rate:a", "rate"), Row("rate:b", "rate")))
    values = rows.values.copy()
    values[:, -2:, rows.columns.index("mean")] = 1e-3
    assert check(replace(run, data=replace(rows, values=values))).sign("power") is None

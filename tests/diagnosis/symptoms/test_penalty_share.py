import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.penalty_share import DOMINANT, LITTLE_LEARNED, check

CONSTANT = np.log(s.CLASSES)


def penalised(data, penalty, **changes):
    """A run with this data loss and penalty by step."""
    data, penalty = np.broadcast_to(data, 400).astype(float), np.broadcast_to(penalty, 400).astype(float)
    return s.with_steps(s.healthy(**changes), loss=data + penalty, penalty=penalty)


@pytest.mark.parametrize(("share", "level"), [(0.1, "some"), (DOMINANT * 0.99, "some"), (DOMINANT * 1.01, "dominates")])
def test_a_penalty_above_an_unlearned_data_loss_dominates(share, level):
    found = check(penalised(s.flat(CONSTANT), CONSTANT * share / (1 - share)))
    assert found.sign("level") == level
    assert (found.state, found.onset is None) == (("found", False) if level == "dominates" else ("not_found", True))
    assert found.sign("share_end") == pytest.approx(share, rel=0.01)


@pytest.mark.parametrize(("left", "state"), [(LITTLE_LEARNED * 1.05, "found"), (LITTLE_LEARNED * 0.95, "not_found")])
def test_a_model_that_learned_is_not_in_the_way_of_its_penalty(left, state):
    found = check(penalised(s.flat(left * CONSTANT, noise=0.005), 5.0))
    assert (found.state, found.sign("level")) == (state, "dominates")


def test_a_converged_training_has_mostly_penalty_left():
    data = 2.3 * np.exp(-s.STEPS / 20) + 0.001
    found = check(penalised(data, 0.05))
    assert found.sign("share_start") < 0.1 < 0.9 < found.sign("share_end")
    assert found.state == "not_found"


def test_a_data_loss_that_still_falls_is_not_held_back():
    found = check(penalised(np.linspace(2.3, 1.5, 400), np.linspace(15, 5, 400)))
    assert (found.state, found.sign("level")) == ("not_found", "dominates")


@pytest.mark.parametrize(("data", "penalty", "state"), [
    (s.flat(), 5.0, "found"), (s.flat(), np.where(s.STEPS <= 20, 0.1, 5.0), "not_found"),
    (np.where(s.STEPS < 100, 2.3, 1.0), 5.0, "not_found"),
])  # fmt: skip
def test_without_a_reference_it_must_be_large_and_the_data_loss_flat_from_the_start(data, penalty, state):
    assert check(penalised(data, penalty, targets=None)).state == state


def test_no_penalty_is_none():
    found = check(penalised(s.flat(), 0.0))
    assert (found.state, found.sign("level"), found.sign("share_end")) == ("not_found", "none", 0.0)


def test_a_loss_that_layers_add_altogether_is_not_a_penalty():
    assert check(penalised(0.0, 2.0)).state == "not_run"


def test_few_steps_decide_nothing():
    run = penalised(s.flat(), 5.0)
    few = {name: part.between(1, 7) for name, part in run.steps.items()}
    assert check(s.healthy(steps=few)).state == "inconclusive"


@pytest.mark.parametrize("missing", ["loss", "penalty"])
def test_a_log_without_penalties_asks_for_them(missing):
    assert check(s.with_steps(penalised(s.flat(), 5.0), **{missing: None})).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for run in (*s.hostile(penalised(s.flat(), 5.0)), *s.hostile(penalised(s.flat(), 5.0, targets=None))):
        assert check(run).id == "penalty_share"


def test_a_penalty_that_has_won_leaves_no_penalty_and_nothing_learned():
    found = check(penalised(s.flat(CONSTANT), 10.0 * np.exp(-s.STEPS / 20)))
    assert (found.state, found.sign("level")) == ("found", "dominates")
    assert found.sign("share_end") < 0.01 < DOMINANT < found.evidence[0].value

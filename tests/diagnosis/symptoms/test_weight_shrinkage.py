import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.weight_shrinkage import MIN_RECORDS, SMALL, check
from tb_lossdiag.run import Run

STEPS = s.layer_table().steps
KERNELS = ("hidden_1/kernel", "hidden_2/kernel", "hidden_3/kernel", "output/kernel")
DECAYED = s.card(optimizer={"name": "Adam", "config": {"learning_rate": 1e-3, "weight_decay": 0.05}})


def shrunk(factor, rows=KERNELS, **changes):
    """A run whose kernels lose all but this share of their norms, evenly on a scale of magnitudes."""
    norms = 5.0 * factor ** ((STEPS - 1) / (STEPS[-1] - 1))
    return s.healthy(layers=s.with_column(s.layer_table(), "weight_norm", norms, list(rows)), **changes)


@pytest.mark.parametrize(("factor", "state"), [(SMALL * 0.9, "found"), (SMALL * 1.1, "not_found"), (1.0, "not_found")])
def test_kernels_with_less_than_a_tenth_of_their_norms_left_are_found(factor, state):
    found = check(shrunk(factor))
    assert found.state == state and found.sign("left") == pytest.approx(factor, rel=1e-4)


def test_a_single_kernel_that_shrinks_is_no_rule():
    found = check(shrunk(1e-6, KERNELS[:1]))
    assert found.state == "not_found" and found.layers == ()


def test_the_onset_is_where_half_of_the_kernels_had_gone():
    found = check(shrunk(1e-4))
    assert STEPS[0] < found.onset < STEPS[-1] / 2 and found.layers == KERNELS


def test_it_needs_records():
    assert check(Run("a")).state == "not_run"
    few = s.healthy(layers=s.layer_table().between(1, MIN_RECORDS - 1))
    assert check(few).state == "inconclusive"
    assert (
        check(s.healthy(layers=s.with_column(s.layer_table(), "weight_norm", np.nan, list(KERNELS)))).state != "found"
    )


def test_a_decay_that_took_the_weights_to_nothing_is_blamed_for_a_loss_that_never_fell():
    flat = {"loss": s.series(s.flat())}
    run = shrunk(1e-6, card=DECAYED, steps={**s.healthy().steps, **flat}, epochs={})
    first = diagnose_run(run).first
    assert first.id == "penalty_dominates" and "weight decay from 0.05" in first.fix.text
    assert "weight_decay=0.0005" in first.fix.code


@pytest.mark.parametrize(("left", "accused"), [(0.02, False), (1e-6, True)])
def test_without_a_decay_a_penalty_is_accused_only_where_next_to_nothing_is_left(left, accused):
    run = shrunk(left, steps={**s.healthy().steps, "loss": s.series(s.flat())}, epochs={})
    assert ("penalty_dominates" in [cause.id for cause in diagnose_run(run).causes]) is accused


@pytest.mark.parametrize("share", [0.25, 0.02])
def test_a_penalty_that_took_the_weights_to_nothing_is_blamed_though_hardly_any_of_it_is_left(share):
    loss = s.flat()
    penalty = share * loss * np.exp(-s.STEPS / 20)
    steps = {**s.healthy().steps, "loss": s.series(loss), "penalty": s.series(penalty)}
    first = diagnose_run(shrunk(1e-6, steps=steps, epochs={})).first
    assert first.id == "penalty_dominates" and "took the weights to nothing" in first.fix.text
    assert "100 times weaker" in first.fix.text


def test_weights_that_are_gone_say_nothing_of_the_labels():
    steps = {**s.healthy().steps, "loss": s.series(s.flat())}
    labels = [one for one in diagnose_run(shrunk(1e-6, steps=steps)).causes if one.id == "uninformative_labels"]
    assert all(one.confidence != "likely" for one in labels)

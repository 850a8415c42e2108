from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.clipping import MIN_RECORDS, OFTEN, TIGHT, check


def clipped(factor, **series):
    return s.with_steps(s.healthy(), clip_factor=factor, **series)


@pytest.mark.parametrize(("factor", "level"), [
    (1.0, "rare"), (0.9995, "rare"), (0.5, "often"), (TIGHT * 1.01, "often"), (TIGHT * 0.99, "tight"), (1e-7, "tight"),
])  # fmt: skip
def test_only_clipping_to_a_hundredth_is_found(factor, level):
    found = check(clipped(factor))
    assert found.sign("level") == level
    assert (found.state, found.onset) == (("found", 1) if level == "tight" else ("not_found", None))
    assert found.sign("factor") == found.evidence[0].value == pytest.approx(factor)


@pytest.mark.parametrize(("share", "level"), [(OFTEN + 0.01, "often"), (OFTEN - 0.01, "rare"), (0.0, "rare")])
def test_more_than_half_of_the_steps_is_often(share, level):
    found = check(clipped(np.where(s.STEPS / len(s.STEPS) <= share, 0.5, 1.0)))
    assert (found.state, found.sign("level")) == ("not_found", level)
    assert found.sign("share") == pytest.approx(share)


def test_clipping_that_became_tight_has_the_step_it_did():
    assert check(clipped(np.where(s.STEPS < 100, 0.5, 1e-4))).onset == 100


def test_the_evidence_gives_the_90th_percentile_of_the_unclipped_norms():
    found = check(clipped(0.5, gradient_norm=np.arange(400.0)))
    assert found.evidence[1].text == "90 % of the gradients had a norm of 359 or less before clipping."


def in_torch(factor, norms):
    """norms: before the loop clips."""
    run = clipped(factor, gradient_norm=norms * factor)
    return replace(run, card=s.card(framework="torch 2.9", optimizer={"name": "SGD", "config": {"lr": 0.1}}))


NORMS = np.linspace(1.0, 3.0, 400)


def test_a_loop_that_clips_is_told_by_what_the_norms_were_before():
    found = check(in_torch(1e-3 / NORMS, NORMS))
    assert found.found and found.evidence[1].text == "90 % of the gradients had a norm of 2.8 or less before clipping."


def test_a_loop_that_takes_the_mean_over_its_batches_clips_nothing():
    found = check(in_torch(np.full(400, 1e-3), NORMS))
    assert (found.state, found.sign("level"), found.sign("share")) == ("not_found", "scaled", 0.0)


def test_of_a_loop_without_factors_it_is_not_known_that_it_clips_nothing():
    card = s.card(framework="torch 2.9", optimizer={"name": "SGD", "config": {"lr": 0.1}})
    assert check(s.healthy(card=card)).state == "not_run"


def test_steps_without_a_factor_do_not_count():
    factors = np.full(400, np.nan)
    factors[:MIN_RECORDS] = 1e-3
    assert check(clipped(factors)).found
    factors[0] = np.nan
    assert check(clipped(factors)).state == "inconclusive"


def test_an_optimizer_that_clips_nothing_has_nothing_to_find():
    found = check(s.healthy())
    assert (found.state, found.sign("level"), found.sign("factor")) == ("not_found", "rare", 1.0)


@pytest.mark.parametrize("card", [
    None, s.card(optimizer={}), s.card(optimizer={"name": "SGD", "config": {"clipnorm": 1.0}}),
])  # fmt: skip
def test_a_log_without_clip_factors_asks_for_them(card):
    assert check(s.healthy(card=card)).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for run in s.hostile(clipped(1e-3, gradient_norm=1.0)):
        assert check(run).id == "clipping"


def test_gradients_that_are_all_of_one_length_were_cut_by_the_loop():
    norms = 1e-4 * (1 + 0.01 * np.sin(s.STEPS))
    found = check(s.with_steps(s.healthy(), gradient_norm=norms))
    assert (found.state, found.sign("level")) == ("not_found", "one_length") and "0.0001" in found.evidence[0].text
    assert check(s.with_steps(s.healthy(), gradient_norm=10 * norms * s.STEPS)).sign("level") != "one_length"

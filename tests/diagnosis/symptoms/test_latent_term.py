from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.latent_term import check
from tb_lossdiag.run import Run

COLLAPSED = 1e-3 * np.exp(-a.STEPS / 20)
SAME = {"mean": 0.0, "std": 1.0, "diversity": 1.0}


def coded(kl, spread: float, name: str = "kl", total=None) -> Run:
    """An autoencoder whose loss has this term; spread: of its outputs over a batch, where that of its targets is 1."""
    total = s.falling(0.05, 0.03, 0.001) if total is None else total
    data = a.table({"output": {"diversity": spread, "mean": 0.3}}, SAME)
    return a.with_terms(s.healthy(data=data, targets=None, card=a.own(), steps=s.loss(total)), {name: kl})


@pytest.mark.parametrize("name", ["kl", "KL", "kl_loss", "kld", "kl_divergence", "divergence", "D_KL"])
def test_a_code_without_information_and_one_answer_for_all(name):
    found = check(coded(COLLAPSED, 0.01, name))
    assert found.found and found.sign("term") == name and found.onset is not None


def test_a_code_in_use_is_sound():
    assert check(coded(a.along(1.0, 12.0), 0.9, total=s.falling(200, 40))).state == "not_found"


def test_a_small_term_beside_outputs_that_vary_is_a_small_weight():
    assert check(coded(COLLAPSED, 0.9)).state == "not_found"


def test_outputs_alike_with_information_in_the_code_are_another_matter():
    assert check(coded(a.along(1.0, 12.0), 0.01, total=s.falling(200, 40))).state == "not_found"


@pytest.mark.parametrize("name", ["click", "kleene", "l2", "reconstruction"])
def test_other_terms_are_no_divergence(name):
    assert check(coded(COLLAPSED, 0.01, name)).state == "not_run"


def added(spread=0.01, same=True, kept=1.0, **card) -> Run:
    """An autoencoder whose layers add what goes to nothing; kept: share of the weights' norm at the end."""
    targets = SAME if same else {**SAME, "mean": 5.0}
    data = a.table({"output": {"diversity": spread, "mean": 0.3}}, targets)
    steps = {**s.loss(s.falling(0.05, 0.03, 0.0)), **a.sampled(penalty=10 * COLLAPSED),
             **a.sampled(weight_norm=np.linspace(1, kept, len(a.STEPS)))}  # fmt: skip
    return s.healthy(data=data, targets=None, card=a.own(**card), steps=steps)


def test_what_the_layers_of_an_autoencoder_add_is_its_divergence():
    assert check(added()).found and check(added(spread=0.9)).state == "not_found"


def test_a_regulariser_or_weights_that_shrink_are_a_penalty_and_no_code():
    assert check(added(same=False)).state == "not_run"
    assert check(added(kept=0.1)).state == "not_run"
    penalised = s.with_layer(a.own(), "hidden_1", {"kernel_regularizer": {"class_name": "L2"}})
    assert check(replace(added(), card=penalised)).state == "not_run"


def test_without_outputs_it_is_not_known():
    run = coded(COLLAPSED, np.nan)
    assert check(run).state == "inconclusive"
    assert check(s.healthy()).state == "not_run"


def whole(spread=0.01, **card) -> Run:
    """A model whose layers add all of its loss, as two terms without names; the second is the divergence."""
    total = s.falling(0.05, 0.03, 0.0)
    data = a.table({"output": {"diversity": spread, "mean": 0.3}}, SAME)
    steps = {**s.loss(total), **a.sampled(penalty=total[a.STEPS - 1])}
    base = s.healthy(data=data, targets=None, card=a.own(**card), steps=steps)
    return a.with_terms(base, {"added[0]": total[a.STEPS - 1] - COLLAPSED, "added[1]": COLLAPSED})


def test_of_a_loss_that_layers_add_as_a_whole_the_term_that_vanished_is_the_divergence():
    found = check(whole())
    assert found.found and found.sign("term") == "added[1]"
    assert check(whole(spread=0.9)).state == "not_found"
    penalised = s.with_layer(a.own(), "hidden_1", {"activity_regularizer": {"class_name": "L1"}})
    assert check(replace(whole(), card=penalised)).state == "not_run"


def test_where_the_spread_is_not_known_outputs_that_suit_any_example_vary_by_nothing():
    run = a.guessing(0.03, references={"diversity": np.nan})
    found = check(a.with_terms(run, {"kl": COLLAPSED}))
    assert found.found and found.sign("varied") == 0.0

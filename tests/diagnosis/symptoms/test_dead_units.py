from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.dead_units import DEAD, MIN_BATCH, check


def dead(share, rows=("hidden_1",), from_step=0):
    return s.healthy(layers=s.with_column(s.layer_table(), "activation_dead_share", share, rows, from_step))


@pytest.mark.parametrize(("share", "state"), [(DEAD - 0.01, "not_found"), (DEAD, "not_found"), (DEAD + 0.01, "found")])
def test_more_than_half_of_a_layer_must_be_silent(share, state):
    assert check(dead(share)).state == state


def test_the_evidence_names_the_layer_its_share_and_the_threshold():
    found = check(dead(0.75))
    (evidence,) = found.evidence
    assert found.layers == evidence.layers == ("hidden_1",)
    assert (evidence.value, evidence.threshold, evidence.steps) == (0.75, DEAD, (220, 400))
    assert "'hidden_1' 75% of the units" in evidence.text and "75% at step 1" in evidence.text


def test_units_that_died_during_training_have_the_step_they_died_at():
    found = check(dead(1.0, from_step=100))
    assert (found.onset, found.sign("at_start")) == (100, False)


def test_units_dead_from_the_start_say_so():
    found = check(dead(1.0))
    assert (found.onset, found.sign("at_start")) == (1, True)


def test_units_that_came_back_are_not_dead():
    table = s.with_column(s.layer_table(), "activation_dead_share", 1.0, ["hidden_1"])
    table = s.with_column(table, "activation_dead_share", 0.1, ["hidden_1"], from_step=100)
    assert check(s.healthy(layers=table)).state == "not_found"


def test_the_worst_layer_comes_first():
    table = s.with_column(s.layer_table(), "activation_dead_share", 0.6, ["hidden_1"])
    table = s.with_column(table, "activation_dead_share", 0.9, ["hidden_3"])
    assert check(s.healthy(layers=table)).layers == ("hidden_3", "hidden_1")


def test_a_model_without_relu_has_no_units_to_die():
    assert check(dead(np.nan, rows=s.UNITS)).state == "not_run"


def test_shares_lost_in_the_last_half_decide_nothing():
    assert check(dead(np.nan, rows=s.UNITS, from_step=100)).state == "inconclusive"


@pytest.mark.parametrize(("size", "state"), [(MIN_BATCH - 1, "inconclusive"), (MIN_BATCH, "found"), (None, "found")])
def test_silence_for_a_few_examples_is_no_death(size, state):
    run = s.healthy(layers=dead(1.0).layers, card=s.card(batch_size=size))
    assert check(run).state == state


def test_units_that_fire_for_some_batches_are_rare_not_dead():
    table = s.with_column(s.layer_table(), "activation_dead_share", 0.9, ["hidden_1"])
    columns = (*table.columns, "activation_silent_share")
    for silent, state in ((0.1, "not_found"), (0.8, "found")):
        share = np.where(table.column("activation_dead_share") == np.float32(0.9), np.float32(silent), np.nan)
        known = replace(table, columns=columns, values=np.concatenate([table.values, share[..., None]], axis=2))
        found = check(s.healthy(layers=known))
        assert found.state == state
    assert found.evidence[0].value == pytest.approx(0.8)
    assert "80% of the units output 0 for each of the last sampled batches" in found.evidence[0].text

from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.sequence_memory import FORGETS, check


def reading(share, kind="LSTM", fed=0.3, **changes):
    """A run whose second hidden layer is recurrent and hands on this share; `fed`: that of the layer in front."""
    card, plain = s.card(), s.layer_table()
    changed = {"kind": kind, "inputs": ("hidden_1",)}
    layers = tuple(replace(one, **changed) if one.path == "hidden_2" else one for one in card.layers)
    own = np.full((*plain.values.shape[:2], 1), np.nan, np.float32)
    columns, values = (*plain.columns, "activation_unit_std"), np.concatenate([plain.values, own], axis=2)
    table = s.with_column(replace(plain, columns=columns, values=values), "activation_std", 1.0)
    names = [row.name for row in table.rows]
    for path, value in (("hidden_1", fed), ("hidden_2", share)):
        table.values[:, names.index(path), -1] = value
    return s.healthy(card=replace(card, layers=layers), layers=table, **changes)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN", "Bidirectional"])
@pytest.mark.parametrize(("share", "state"), [(1e-7, "found"), (FORGETS * 0.9, "found"), (FORGETS * 1.1, "not_found")])
def test_a_recurrent_layer_that_hands_on_the_same_for_every_input_is_found(kind, share, state):
    found = check(reading(share, kind))
    assert (found.state, found.layers) == (state, ("hidden_2",) if state == "found" else ())
    assert "'hidden_2' hands on" in found.evidence[0].text


def test_one_that_is_fed_the_same_for_every_input_forgets_nothing():
    assert check(reading(1e-7, fed=0.01)).state == "not_found"


def test_it_asks_for_a_recurrent_layer():
    plain = check(reading(0.5, kind="Dense"))
    assert plain.state == "not_run" and "recurrent" in plain.needs


def test_one_that_is_silent_is_not_judged():
    assert check(reading(np.nan)).state == "inconclusive"


def test_a_run_that_learned_nothing_for_it_is_told_so_and_one_that_learns_is_not():
    causes = diagnose_run(reading(1e-7, steps=s.loss(s.flat()), epochs={})).causes
    assert (causes[0].id, causes[0].severity) == ("vanishing_gradients", "critical") and "mask" in causes[0].fix.text
    assert diagnose_run(reading(1e-7)).severity in ("none", "note")

from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.silenced import SILENT, is_silenced
from tb_lossdiag.run import Run

L1 = {"activity_regularizer": {"class_name": "L1", "config": {"l1": 0.1}}}


def fading(last: float, settings=L1) -> Run:
    """A layer "hidden_1" whose outputs spread by 0.6 at first and by `last` times that at the end."""
    table = s.layer_table()
    values = table.values.copy()
    at = [row.name for row in table.rows].index("hidden_1")
    values[len(table.steps) // 2 :, at, table.columns.index("activation_std")] *= np.float32(last)
    card = s.card()
    return s.healthy(card=s.with_layer(card, "hidden_1", settings=settings), layers=replace(table, values=values))


def seen(run: Run):
    return is_silenced(Findings(run, {}, "never_learned"))


@pytest.mark.parametrize(("last", "is_told"), [(SILENT * 0.9, True), (SILENT * 1.1, False), (1.0, False)])
def test_a_penalised_layer_that_hands_on_next_to_nothing_is_silenced(last, is_told):
    assert (seen(fading(last)) is not None) is is_told


def test_a_layer_without_a_penalty_fades_for_other_reasons():
    assert seen(fading(0.0, {})) is None


def test_the_penalty_is_named_before_the_units_that_it_silenced():
    run = fading(0.0)
    stuck = replace(run, steps=s.loss(s.flat(2.3)), card=replace(run.card, settings={}))
    assert diagnose_run(stuck).causes[0].id == "penalty_dominates"

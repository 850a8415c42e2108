"""Causes of too much regularisation, told from others that leave the same curve."""

from dataclasses import replace

import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.run import LayerCard, Run


def first(run: Run) -> str:
    return diagnose_run(run).causes[0].id


def test_dropout_behind_dropout_comes_before_labels_that_say_nothing():
    layers = s.card().layers
    drops = tuple(LayerCard(f"drop_{i}", "Dropout", settings={"rate": 0.6}) for i in range(3))
    stacked = replace(s.card(), layers=(*drops, *layers))
    assert first(s.stuck()) == "uninformative_labels"
    assert first(s.stuck(card=stacked)) == "excessive_dropout"
    assert not diagnose_run(s.healthy(card=stacked)).causes

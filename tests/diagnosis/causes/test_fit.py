"""Causes of too much regularisation, told from others that leave the same curve."""

from dataclasses import replace

import numpy as np
import pytest
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


def test_weights_that_are_gone_are_told_though_nobody_knows_what_the_loss_can_come_to():
    course = np.r_[np.linspace(20.0, 4.0, 100), 3.7 + 0.03 * np.random.default_rng(0).normal(size=300)]
    table = s.layer_table()
    for name in s.UNITS:
        table = s.with_column(table, "weight_norm", 1e-5, [f"{name}/kernel"], from_step=40)
    run = s.healthy(card=s.card(loss={}), data=None, targets=None, steps=s.loss(course), epochs={}, layers=table)
    report = diagnose_run(run)
    assert report.verdict.state == "inconclusive"
    assert (report.causes[0].id, report.causes[0].severity) == ("penalty_dominates", "warning")
    assert not diagnose_run(replace(run, layers=s.layer_table())).causes


def averaging(momentum: float) -> Run:
    norm = LayerCard("norm", "BatchNormalization", parameters=128, units=64, settings={"momentum": momentum})
    return replace(s.healthy(card=replace(s.card(), layers=(norm, *s.card().layers))), ended=True)


def test_moving_statistics_that_hold_what_they_began_with_are_noted():
    causes = diagnose_run(averaging(0.9999)).causes
    assert [(one.id, one.severity) for one in causes] == [("train_eval_mismatch", "note")]
    assert not diagnose_run(averaging(0.99)).causes


def test_a_few_rows_that_nothing_checks_are_noted():
    few = s.card(batch_size=10, steps_per_epoch=2, epochs=200)
    run = s.healthy(card=few, steps=s.loss(s.falling(2.3, 0.05)), epochs=s.epochs(loss=np.linspace(2.3, 0.05, 20)))
    assert [(one.id, one.severity) for one in diagnose_run(run).causes] == [("overfitting", "note")]


@pytest.mark.parametrize("momentum", [1e300, 1.0, -0.5])
def test_a_momentum_that_averages_nothing_is_left_alone(momentum):
    report = diagnose_run(averaging(momentum))
    assert not report.causes and not report.notes

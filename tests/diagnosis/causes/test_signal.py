"""Causes of a signal that does not get through the layers, told from others that leave the same curve."""

import asked_losses as a
import numpy as np
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.run import Run


def settled(level: float, dead: float) -> Run:
    """Down in the first quarter and no clear way since; dead: the share of a layer's units that died by the way."""
    loss = np.concatenate([np.linspace(7.0, level, 100), s.flat(level, 0.1 * level)[:300]])
    layers = s.with_column(s.layer_table(), "activation_dead_share", dead, rows=["hidden_3"], from_step=60)
    references = {"loss_shuffled": 1.2, "loss_constant": 1.0, "loss_shuffled_change": 0.4, "loss_least": 0.0}
    return a.run(loss, references, layers=layers)


def test_a_layer_of_which_most_has_died_holds_back_a_run_that_learned_a_little():
    cause = diagnose_run(settled(0.65, 0.85)).causes[0]
    assert (cause.id, cause.severity) == ("dying_relu", "warning")


def test_a_run_that_learned_well_or_a_layer_that_is_half_alive_is_not_accused_of_it():
    for run in (settled(0.1, 0.85), settled(0.65, 0.6)):
        assert not [one for one in diagnose_run(run).causes if one.id == "dying_relu" and one.severity == "warning"]


def test_where_nothing_arrives_at_the_first_layers_from_the_start_depth_comes_before_the_rate():
    table = s.with_column(s.layer_table(), "update_ratio", 0.2)
    for power, name in zip((-12.0, -8.0, -4.0, 0.0), s.UNITS, strict=True):
        table = s.with_column(table, "gradient_norm", 10.0**power, [f"{name}/kernel"])
    assert diagnose_run(s.stuck(layers=table)).causes[0].id == "vanishing_gradients"

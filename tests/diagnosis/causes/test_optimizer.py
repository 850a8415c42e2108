"""Causes that the optimizer is to blame for, told from others that leave the same curve."""

import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.run import Run


def cut(optimizer: str) -> Run:
    """Gradients of one length at every step, and weights that hardly move."""
    table = s.with_column(s.layer_table(), "update_ratio", 1e-6)
    card = s.card(optimizer={"name": optimizer, "config": {"learning_rate": 0.1}})
    return s.with_steps(s.stuck(layers=table, card=card), gradient_norm=1e-4)


def test_gradients_that_a_loop_cut_to_nothing_come_before_the_rate_where_their_size_counts():
    assert diagnose_run(cut("SGD")).causes[0].id == "clipping_too_tight"
    assert diagnose_run(cut("Adam")).causes[0].id == "learning_rate_too_low"

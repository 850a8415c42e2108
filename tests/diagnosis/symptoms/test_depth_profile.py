from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.depth_profile import DECADES, check


def profile(*decades, from_step=0, table=None):
    """Gradient norms of the four kernels, as powers of ten."""
    table = s.layer_table() if table is None else table
    for power, name in zip(decades, s.UNITS, strict=True):
        table = s.with_column(table, "gradient_norm", 10.0**power, [f"{name}/kernel"], from_step)
    return s.healthy(layers=table)


@pytest.mark.parametrize(("decades", "direction"), [
    ((-2.9, -2, -1, 0), "even"), ((-3.1, -2, -1, 0), "vanishing"),
    ((2.9, 2, 1, 0), "even"), ((3.1, 2, 1, 0), "exploding"),
])  # fmt: skip
def test_three_decades_between_the_ends_make_a_profile(decades, direction):
    found = check(profile(*decades))
    assert found.sign("direction") == direction
    assert found.state == ("not_found" if direction == "even" else "found")


def test_the_evidence_carries_decades_threshold_and_both_ends():
    (evidence,) = check(profile(-6, -4, -2, 0)).evidence
    assert evidence.value == pytest.approx(-6, abs=1e-3) and evidence.threshold == -DECADES
    assert evidence.layers == ("hidden_1/kernel", "output/kernel")
    assert "1,000,000 times smaller than that of 'output/kernel'" in evidence.text


def test_vanishing_points_at_the_first_half_of_the_kernels():
    assert check(profile(-6, -4, -2, 0)).layers == ("hidden_1/kernel", "hidden_2/kernel")


def test_exploding_points_at_the_first_kernel():
    assert check(profile(6, 4, 2, 0)).layers == ("hidden_1/kernel",)


def test_most_neighbours_must_agree_with_the_ends():
    assert check(profile(-4, -2, -3, 0)).state == "found"


def test_one_tiny_layer_is_no_profile():
    assert check(profile(-4, 1, 0, -0.5)).state == "not_found"


def test_a_profile_there_from_the_start_has_its_onset_there():
    assert check(profile(-6, -4, -2, 0)).onset == 1


def test_scaling_the_loss_changes_nothing():
    assert check(profile(-6, -4, -2, 0)).sign("early") == pytest.approx(check(profile(-9, -7, -5, -3)).sign("early"))


def test_what_only_happens_late_is_told_but_not_found():
    found = check(profile(-6, -4, -2, 0, from_step=100))
    assert found.state == "not_found" and found.sign("late") == pytest.approx(-6, abs=1e-3)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_an_end_without_a_gradient_decides_nothing(value):
    table = s.with_column(s.layer_table(), "gradient_norm", value, ["hidden_1/kernel"])
    assert check(s.healthy(layers=table)).state == "inconclusive"


def test_gradients_lost_late_leave_the_early_profile_standing():
    table = s.with_column(profile(-6, -4, -2, 0).layers, "gradient_norm", np.nan, ["hidden_1/kernel"], from_step=100)
    found = check(s.healthy(layers=table))
    assert found.state == "found" and "late" not in found.evidence[0].text


def test_fewer_than_four_kernels_have_no_depth():
    table = s.layer_table()
    few = [row for row in table.rows if row.layer != "hidden_1"]
    kept = [table.rows.index(row) for row in few]
    run = s.healthy(layers=type(table)(table.steps, tuple(few), table.columns, table.values[:, kept]))
    assert check(run).state == "not_run" and "this model has 3" in check(run).needs


def test_embeddings_of_which_a_batch_moves_a_few_rows_are_no_end_of_a_profile():
    table = profile(-4, -1, -1, 0).layers
    rows = (replace(table.rows[0], name="words/embeddings"), *table.rows[1:])
    assert table.rows[0].name == "hidden_1/kernel"
    assert check(profile(-4, -1, -1, 0)).found
    assert check(s.healthy(layers=replace(table, rows=rows))).state == "not_run"

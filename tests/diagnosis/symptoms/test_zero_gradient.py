import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.symptoms.zero_gradient import HELD, check
from tb_lossdiag.run import Event

KERNELS = [f"{name}/kernel" for name in s.UNITS]


def zero(rows=None, from_step=0, **changes):
    return s.healthy(layers=s.with_column(s.layer_table(), "gradient_norm", 0.0, rows, from_step), **changes)


@pytest.mark.parametrize(("rows", "pattern"), [(None, "all"), (KERNELS, "kernels"), (KERNELS[:1], "some")])
def test_the_pattern_tells_a_cut_graph_from_a_dead_path(rows, pattern):
    found = check(zero(rows))
    assert (found.state, found.sign("pattern"), found.sign("from_start")) == ("found", pattern, True)


def test_the_evidence_names_the_variables_and_since_when():
    found = check(zero(KERNELS[:2], from_step=100))
    (evidence,) = found.evidence
    assert found.layers == evidence.layers == tuple(KERNELS[:2])
    assert (evidence.value, evidence.threshold, found.onset) == (0.0, 0.0, 100)
    assert evidence.text == (
        "2 of 8 variables have a gradient of exactly 0: hidden_1/kernel, hidden_2/kernel, since step 100."
    )
    assert found.sign("from_start") is False


def test_a_tiny_gradient_is_not_zero():
    table = s.with_column(s.layer_table(), "gradient_norm", 1e-38)
    assert check(s.healthy(layers=table)).state == "not_found"


def test_a_bias_alone_is_no_dead_path():
    assert check(zero(["hidden_1/bias"])).state == "not_found"


@pytest.mark.parametrize(("more", "state"), [(0, "not_found"), (1, "found")])
def test_more_than_half_of_the_late_records_must_be_zero(more, state):
    table = s.layer_table()
    late = np.flatnonzero(table.steps >= 200.5)
    values = table.values.copy()
    row = [row.name for row in table.rows].index("hidden_1/kernel")
    values[late[: int(len(late) * HELD) + more], row, table.columns.index("gradient_norm")] = 0.0
    assert check(s.healthy(layers=type(table)(table.steps, table.rows, table.columns, values))).state == state


def test_a_gradient_that_is_none_counts_as_zero():
    """The recorder writes NaN for a variable that the loss does not reach, and names it in an event."""
    table = s.with_column(s.layer_table(), "gradient_norm", np.nan, KERNELS[:1])
    found = check(s.healthy(layers=table, events=(Event(1, "no_gradient", {"rows": KERNELS[:1]}), Event(2, "mark"))))
    assert (found.state, found.sign("unreached"), found.layers) == ("found", True, ("hidden_1/kernel",))
    assert "the loss does not reach 1 of them at all" in found.evidence[0].text


def test_a_gradient_that_is_nan_is_not_zero():
    table = s.with_column(s.layer_table(), "gradient_norm", np.nan)
    assert check(s.healthy(layers=table)).state == "not_found"


def test_without_variables_there_is_no_gradient():
    assert check(s.healthy(layers=s.layer_table().of_kind("output"))).state == "not_run"


@pytest.mark.parametrize("rows", [None, 3, True, "hidden_1/kernel", [["hidden_1/kernel"]]])
def test_an_event_that_lists_no_rows_is_no_evidence(rows):
    assert check(s.healthy(events=(Event(1, "no_gradient", {"rows": rows}),))).state == "not_found"


@pytest.mark.parametrize(("inputs", "cut"), [(("hidden_1",), True), ((), False)])
def test_a_way_back_that_is_cut_between_two_layers_is_told(inputs, cut):
    rows = ["hidden_1/kernel", "hidden_1/bias"]
    card = s.with_layer(s.card(), "hidden_2", inputs=inputs)
    found = check(zero(rows, card=card, events=[Event(1, "no_gradient", {"rows": rows})]))
    assert found.sign("unreached") and found.sign("cut_inside") is cut
    silent = check(zero(rows, card=card))
    assert silent.sign("cut_inside") is False  # exactly 0, but there is a way


def test_two_factors_that_both_are_zero_give_each_other_no_gradient():
    table = s.with_column(s.with_column(s.layer_table(), "gradient_norm", 0.0, KERNELS[:2]), "weight_norm", 0.0)
    assert check(s.healthy(layers=table)).sign("at_zero") is True
    assert check(zero(KERNELS[:2])).sign("at_zero") is False


def test_a_single_matrix_of_zeros_is_no_product():
    table = s.with_column(s.with_column(s.layer_table(), "gradient_norm", 0.0, KERNELS[:1]), "weight_norm", 0.0)
    assert check(s.healthy(layers=table)).sign("at_zero") is False


def unreached(names):
    table = s.with_column(s.layer_table(), "gradient_norm", np.nan, names)
    return s.healthy(layers=table, events=(Event(1, "no_gradient", {"rows": names}),))


def test_the_share_of_the_weights_that_the_loss_does_not_reach_is_told():
    card = s.card()
    sizes = {layer.path: layer.parameters for layer in card.layers}
    share = sizes["hidden_1"] / card.trainable_parameters
    assert check(unreached(KERNELS[:1])).sign("cut_share") == pytest.approx(share)
    assert check(zero(KERNELS[:1])).sign("cut_share") == 0.0


@pytest.mark.parametrize(("names", "accused"), [(KERNELS[:1], True), (KERNELS[-1:], False)])
def test_a_good_part_of_the_model_that_learns_nothing_is_told_however_the_loss_falls(names, accused):
    causes = [cause for cause in diagnose_run(unreached(names)).causes if cause.id == "disconnected_graph"]
    assert any(cause.severity == "warning" for cause in causes) is accused


def test_gradients_that_were_cleared_before_the_step_had_been_there():
    cleared = s.card(framework="torch 2.9", settings={"gradients_cleared": True})
    found = check(zero(card=cleared))
    assert found.state == "not_found" and "cleared before the step" in found.evidence[0].text


def test_how_much_of_the_model_has_none_is_told():
    assert 0.0 < check(zero(KERNELS[:2])).sign("zero_share") < 1.0

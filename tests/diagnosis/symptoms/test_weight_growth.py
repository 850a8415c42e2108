import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.weight_growth import LARGE, MIN_RECORDS, SMALL_START, STILL, check

STEPS = s.layer_table().steps


def norms(values, rows=("hidden_1/kernel",), table=None):
    """A run with these weight norms, one a record; the other kernels keep theirs."""
    return s.healthy(layers=s.with_column(table or s.layer_table(), "weight_norm", values, list(rows)))


def grown(factor, start=5.0):
    return np.linspace(start, start * factor, 400)[STEPS - 1]


@pytest.mark.parametrize(("factor", "level"), [(1.0, "usual"), (LARGE * 0.99, "usual"), (LARGE * 1.01, "growing")])
def test_tenfold_growth_that_goes_on_is_found(factor, level):
    found = check(norms(grown(factor)))
    assert found.sign("level") == level and found.state == ("found" if level == "growing" else "not_found")
    assert found.sign("growth") == pytest.approx(factor)


def test_the_onset_is_where_the_growth_became_tenfold():
    found = check(norms(grown(20.0)))
    assert found.onset == 200 and found.layers == ("hidden_1/kernel",)


@pytest.mark.parametrize(("last", "state"), [(STILL * 1.01, "found"), (STILL * 0.99, "not_found"), (1.0, "not_found")])
def test_weights_that_came_to_rest_are_not_growing(last, state):
    values = np.interp(STEPS, [1, 220, 400], [1.0, 50.0, 50.0 * last])
    assert check(norms(values)).state == state


@pytest.mark.parametrize(
    ("start", "state"), [(SMALL_START * 1.01, "found"), (SMALL_START * 0.99, "not_found"), (0.0, "not_found")]
)
def test_a_kernel_that_starts_small_has_to_grow(start, state):
    assert check(norms(np.linspace(start, 50.0, 400)[STEPS - 1])).state == state


def test_the_kernels_are_named_worst_first_and_biases_do_not_count():
    table = norms(grown(20.0)).layers
    table = norms(grown(30.0), ["output/kernel"], table).layers
    found = check(norms(grown(99.0), ["output/bias"], table))
    assert found.layers == ("output/kernel", "hidden_1/kernel")
    assert found.sign("growth") == pytest.approx(30.0)


def test_only_kernels_that_start_small_decide_nothing():
    assert check(norms(0.0, [f"{name}/kernel" for name in s.UNITS])).state == "inconclusive"


def test_few_records_or_lost_weights_decide_nothing():
    table = norms(grown(20.0)).layers
    assert check(s.healthy(layers=s.first_steps(table, MIN_RECORDS - 1))).state == "inconclusive"
    assert check(norms(np.nan)).state == "inconclusive"


@pytest.mark.parametrize("table", [
    None, s.layer_table().of_kind("output"), s.without_column(s.layer_table(), "weight_norm"),
])  # fmt: skip
def test_without_weights_the_check_asks_for_them(table):
    assert check(s.healthy(layers=table)).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for run in s.hostile(norms(grown(20.0))):
        assert check(run).id == "weight_growth"

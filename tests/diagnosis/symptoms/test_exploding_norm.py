import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.exploding_norm import ELASTICITY, FALLEN, GROWTH, HEALTHY_ELASTICITY, HELD, check

LEVEL = 2.0
WEIGHT = 5.0
KERNELS = [f"{name}/kernel" for name in s.UNITS]


def sharp(elasticity, from_step=0, until=None, loss=None):
    """A steady loss of 2 with one kernel at this loss elasticity (its weight norm is 5)."""
    norm = elasticity * LEVEL / WEIGHT
    table = s.with_column(s.layer_table(), "gradient_norm", norm, ["hidden_2/kernel"], from_step)
    if until is not None:
        table = s.with_column(table, "gradient_norm", 0.1, ["hidden_2/kernel"], until)
    return s.healthy(steps=s.loss(np.full(400, LEVEL) if loss is None else loss), layers=table)


@pytest.mark.parametrize(("elasticity", "state"), [(ELASTICITY * 0.99, "not_found"), (ELASTICITY * 1.01, "found")])
def test_a_loss_that_reacts_too_sharply_is_found(elasticity, state):
    found = check(sharp(elasticity))
    assert found.state == state
    (evidence,) = found.evidence
    assert evidence.value == pytest.approx(elasticity) and evidence.threshold == ELASTICITY


def test_the_sharpest_kernel_is_named_first():
    assert check(sharp(1e4)).layers[0] == "hidden_2/kernel"


def test_scaling_the_loss_scales_its_gradients_and_changes_nothing():
    table = s.with_column(s.layer_table(), "gradient_norm", 1e-3 * 0.1)
    small = check(s.healthy(steps=s.loss(np.full(400, 1e-3 * LEVEL)), layers=table))
    usual = check(s.healthy(steps=s.loss(np.full(400, LEVEL))))
    assert small.evidence[0].value == pytest.approx(usual.evidence[0].value, rel=1e-5)


@pytest.mark.parametrize(("records", "state"), [(HELD - 1, "not_found"), (HELD, "found")])
def test_a_spike_must_hold_for_several_records(records, state):
    assert check(sharp(1e4, from_step=5, until=5 + records)).state == state


def test_the_onset_is_the_first_record_that_crossed():
    found = check(sharp(1e4, from_step=100))
    assert found.onset == 100 and "At step 100" in found.evidence[0].text


@pytest.mark.parametrize(("left", "state"), [(FALLEN - 0.01, "not_found"), (FALLEN + 0.01, "found")])
def test_a_loss_that_has_come_far_down_cannot_explode_by_ratio(left, state):
    assert check(sharp(1e3, from_step=100, loss=np.r_[np.full(50, LEVEL), np.full(350, left * LEVEL)])).state == state


@pytest.mark.parametrize(("factor", "state"), [(GROWTH * 0.9, "not_found"), (GROWTH * 1.1, "found")])
def test_a_gradient_that_grows_a_hundredfold_is_found(factor, state):
    start = 2 * HEALTHY_ELASTICITY * LEVEL / GROWTH / WEIGHT
    table = s.with_column(s.layer_table(), "gradient_norm", start, KERNELS)
    table = s.with_column(table, "gradient_norm", start * factor, KERNELS, from_step=200)
    found = check(s.healthy(steps=s.loss(np.full(400, LEVEL)), layers=table))
    assert found.state == state and found.sign("growth") == pytest.approx(factor, rel=1e-4)
    if state == "found":
        assert found.onset == 200
        assert (found.evidence[0].value, found.evidence[0].threshold) == (found.sign("growth"), GROWTH)


def test_gradients_that_begin_at_zero_have_not_grown():
    table = s.with_column(s.layer_table(), "gradient_norm", 0.0, KERNELS)
    table = s.with_column(table, "gradient_norm", 0.1, KERNELS, from_step=10)
    assert check(s.healthy(layers=table)).state == "not_found"


def test_gradients_that_overflow_have_exploded():
    table = s.with_column(s.layer_table(), "gradient_norm", np.inf, KERNELS, from_step=100)
    found = check(s.healthy(layers=table))
    assert (found.state, found.onset, found.sign("growth")) == ("found", 100, np.inf)


def test_a_kernel_the_loss_never_reaches_has_no_gradient_to_explode():
    table = s.with_column(s.layer_table(), "gradient_norm", np.nan, ["hidden_1/kernel"])
    assert check(s.healthy(layers=table)).state == "not_found"
    assert check(s.healthy(layers=s.with_column(table, "gradient_norm", np.nan))).state == "not_run"


def test_a_loss_of_zero_without_gradients_is_no_explosion():
    table = s.with_column(s.layer_table(), "gradient_norm", 0.0)
    assert check(s.healthy(steps=s.loss(np.zeros(400)), layers=table)).state == "not_found"


def test_a_nan_alone_is_no_explosion():
    table = s.with_column(s.layer_table(), "gradient_norm", np.nan, KERNELS, from_step=100)
    assert check(s.healthy(layers=table)).state == "not_found"


def test_a_gradient_that_was_far_too_large_right_before_the_nan_exploded():
    table = s.with_column(s.layer_table(), "gradient_norm", 1e6, KERNELS, from_step=80)
    table = s.with_column(table, "gradient_norm", np.nan, KERNELS, from_step=100)
    found = check(s.healthy(layers=table))
    assert found.state == "found" and found.onset == 80


def test_growth_from_a_tiny_start_to_a_healthy_size_is_no_explosion():
    table = s.with_column(s.layer_table(), "gradient_norm", 1e-4, KERNELS)
    table = s.with_column(table, "gradient_norm", 0.1, KERNELS, from_step=200)
    assert check(s.healthy(steps=s.loss(np.full(400, LEVEL)), layers=table)).state == "not_found"


def test_a_loss_of_exactly_zero_is_no_measure_of_its_gradients():
    assert check(s.healthy(steps=s.loss(np.zeros(400)))).state == "not_found"


def test_gradients_that_are_always_zero_are_told_without_an_infinity():
    found = check(s.healthy(layers=s.with_column(s.layer_table(), "gradient_norm", 0.0)))
    assert found.evidence[0].text.endswith("the gradient norm was never a finite number above 0.")


def test_the_largest_relative_change_of_the_loss_is_told():
    assert check(s.healthy()).sign("elasticity") == check(s.healthy()).evidence[0].value

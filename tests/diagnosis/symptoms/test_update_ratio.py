import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.update_ratio import HIGH, LEAP, LOW, check


def updates(ratio, rows=None, from_step=0, until=None, table=None):
    """Update ratios of all variables or of `rows`; 1e-3, the healthy one, again from step `until`."""
    table = s.with_column(table or s.layer_table(), "update_ratio", ratio, rows, from_step)
    if until is not None:
        table = s.with_column(table, "update_ratio", 1e-3, rows, until)
    return s.healthy(layers=table)


@pytest.mark.parametrize(("ratio", "level"), [
    (HIGH * 1.01, "high"), (HIGH * 0.99, "normal"), (LOW * 1.01, "normal"),
    (LOW * 0.99, "low"), (1e-12, "low"), (0.0, "zero"),
])  # fmt: skip
def test_an_update_ratio_is_high_normal_low_or_zero(ratio, level):
    found = check(updates(ratio))
    assert found.sign("level") == level
    assert found.state == ("not_found" if level == "normal" else "found")


@pytest.mark.parametrize(("ratio", "threshold"), [(0.1, HIGH), (1e-3, HIGH), (1e-6, LOW), (0.0, LOW)])
def test_the_evidence_carries_the_ratio_and_the_threshold_it_met(ratio, threshold):
    (evidence,) = check(updates(ratio)).evidence
    assert evidence.value == pytest.approx(ratio) and evidence.threshold == threshold


def test_the_kernels_that_are_off_are_named_worst_first():
    run = updates(0.5, ["hidden_3/kernel"], table=updates(0.1).layers)
    assert check(run).layers == ("hidden_3/kernel", "hidden_1/kernel", "hidden_2/kernel", "output/kernel")


def test_biases_do_not_count():
    rows = [f"{name}/bias" for name in s.UNITS]
    assert check(updates(10.0, rows)).state == "not_found"


@pytest.mark.parametrize(("ratio", "records", "level"), [
    (LEAP * 1.01, 1, "normal"), (LEAP * 1.01, 2, "high"), (LEAP * 0.99, 20, "normal"),
])  # fmt: skip
def test_one_kernel_must_leap_twice_to_be_high(ratio, records, level):
    found = check(updates(ratio, ["hidden_1/kernel"], from_step=3, until=3 + records))
    assert found.sign("level") == level
    if level == "high":
        assert found.onset == 3
        assert (found.evidence[0].value, found.evidence[0].threshold) == (pytest.approx(ratio), LEAP)


def test_an_infinite_update_is_high():
    found = check(updates(np.inf, ["hidden_1/kernel"], from_step=3, until=4))
    assert (found.sign("level"), found.sign("leap"), found.evidence[0].value) == ("high", np.inf, np.inf)


def test_a_ratio_that_was_high_early_and_sank_is_still_high():
    found = check(updates(1e-8, from_step=21, table=updates(0.1).layers))
    assert (found.sign("level"), found.onset, found.evidence[0].steps) == ("high", 1, (1, 20))


def test_updates_that_sank_have_stopped_since_then():
    found = check(updates(1e-8, from_step=100))
    assert (found.sign("level"), found.onset) == ("stopped", 100)
    assert found.evidence[0].text == "Updates began at 0.001 of the weights' size and sank to 1e-08."


def test_updates_of_zero_are_all_zero_or_mostly_zero():
    assert "every update is exactly 0" in check(updates(0.0)).evidence[0].text
    most = updates(1e-3, ["output/kernel"], table=updates(0.0).layers)
    assert check(most).sign("level") == "zero" and "Most updates" in check(most).evidence[0].text


def test_a_kernel_of_zeros_has_no_ratio_yet():
    table = s.with_column(s.layer_table(), "weight_norm", 0.0, ["hidden_1/kernel"])
    table = s.with_column(table, "update_ratio", np.inf, ["hidden_1/kernel"])
    assert check(s.healthy(layers=table)).state == "not_found"
    assert check(s.healthy(layers=s.with_column(table, "weight_norm", 0.0))).state == "inconclusive"


def test_weights_lost_late_leave_no_ratio_to_call_low():
    assert check(updates(np.nan, from_step=100)).state == "inconclusive"
    assert check(updates(np.nan, from_step=100, table=updates(0.1).layers)).sign("level") == "high"


def test_a_model_without_kernels_has_no_ratio():
    assert check(s.healthy(layers=s.layer_table().of_kind("output"))).state == "not_run"


@pytest.mark.parametrize(("ratio", "whole"), [(1e-3, 0.4), (2e-4, 0.08)])
def test_what_all_updates_together_came_to_is_told_where_it_is_next_to_nothing(ratio, whole):
    found = check(s.healthy(layers=s.with_column(s.layer_table(), "update_ratio", ratio)))
    assert found.state == "not_found" and found.sign("whole") == pytest.approx(whole)
    assert ("All 400 together moved them" in found.evidence[0].text) is (whole < 0.1)


def test_a_kernel_that_starts_at_zero_is_all_updates_at_first():
    rows = ["hidden_1/kernel"]
    at_zero = s.with_column(updates(4.0, rows, until=6).layers, "weight_norm", 0.0, rows)
    started = s.healthy(layers=s.with_column(at_zero, "weight_norm", 1.0, rows, 2))
    assert check(started).sign("level") == "normal"


def test_where_all_kernels_start_at_zero_their_updates_count():
    at_zero = s.with_column(updates(4.0).layers, "weight_norm", 0.0)
    assert check(s.healthy(layers=s.with_column(at_zero, "weight_norm", 1.0, None, 2))).sign("level") == "high"

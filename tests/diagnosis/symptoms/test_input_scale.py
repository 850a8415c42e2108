from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.input_scale import DRIFTS, LARGE, SMALL, UNEVEN, check
from tb_lossdiag.run import LayerCard, Row


def inputs(**facts):
    return s.healthy(data=s.data_table(input=facts))


def two_inputs(first, second):
    """A run with two inputs; first, second: the facts of each."""
    table = s.data_table(input=first)
    other = s.data_table(input=second).of_kind("input")
    rows = (replace(table.rows[0], name="input:a"), *table.rows[1:], Row("input:b", "input"))
    return s.healthy(data=replace(table, rows=rows, values=np.concatenate([table.values, other.values], axis=1)))


@pytest.mark.parametrize(("size", "level"), [
    (LARGE * 0.99, "normal"), (LARGE * 1.01, "large"), (SMALL * 1.01, "normal"), (SMALL * 0.99, "small"),
])  # fmt: skip
@pytest.mark.parametrize("where", ["mean", "std"])
def test_the_root_mean_square_is_judged_whether_it_comes_from_mean_or_spread(where, size, level):
    facts = {"mean": 0.0, "std": 1e-6, where: size}
    found = check(inputs(**facts))
    assert found.sign("level") == level
    assert found.state == ("not_found" if level == "normal" else "found")


def test_the_evidence_carries_size_threshold_and_input():
    found = check(inputs(mean=30.0, std=40.0))
    (evidence,) = found.evidence
    assert (evidence.value, evidence.threshold) == (50.0, LARGE)
    assert found.layers == evidence.layers == ("input:x",)
    assert "mean 30 and standard deviation 40" in evidence.text
    assert (found.onset, evidence.steps) == (0, (1, 20))


@pytest.mark.parametrize(("factor", "level"), [(0.99, "normal"), (1.01, "uneven")])
def test_features_of_very_different_spread_are_uneven(factor, level):
    found = check(inputs(feature_std_min=0.05, feature_std_max=0.05 * UNEVEN * factor))
    assert found.sign("level") == level
    if level == "uneven":
        assert found.evidence[0].value == pytest.approx(101) and found.evidence[0].threshold == UNEVEN


def test_small_features_beside_usual_ones_are_not_uneven():
    assert check(inputs(feature_std_min=1e-4, feature_std_max=0.9)).sign("level") == "normal"


def test_an_input_that_never_varies_is_constant():
    found = check(inputs(mean=0.0, std=0.0))
    assert (found.sign("level"), found.state) == ("constant", "found")
    assert "does not vary: every value is 0" in found.evidence[0].text


def test_one_varying_input_is_enough():
    run = two_inputs({"std": 0.0}, {"std": 1.0})
    assert check(run).sign("level") == "normal"


def test_the_largest_of_several_inputs_is_judged():
    assert check(two_inputs({}, {"mean": 99.0})).layers == ("input:b",)


def test_an_input_that_is_not_finite_does_not_hide_another():
    found = check(two_inputs({"mean": np.nan}, {"mean": 99.0}))
    assert (found.sign("level"), found.layers) == ("large", ("input:b",))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_inputs_that_are_not_finite_decide_nothing(value):
    assert check(inputs(mean=value, std=value)).state == "inconclusive"


@pytest.mark.parametrize("kind", ["Embedding", "Normalization", "Rescaling", "BatchNormalization"])
def test_a_model_that_scales_or_looks_up_its_input_is_left_alone(kind):
    card = s.card(layers=(LayerCard("in", "InputLayer"), LayerCard("first", kind), *s.card().layers))
    run = s.healthy(card=card, data=s.data_table(input={"mean": 1000.0}))
    assert check(run).state == "not_run"


def test_inputs_are_judged_without_a_card():
    assert check(s.healthy(card=None, data=s.data_table(input={"mean": 99.0}))).state == "found"


def test_without_input_statistics_the_check_asks_for_them():
    assert check(s.healthy(data=s.data_table().of_kind("target"))).state == "not_run"


@pytest.mark.parametrize(("means", "level"), [
    ([5.0, 300.0], "large"), ([-1.0, 1.0], "normal"), ([174.7, 174.7], "constant"),
    ([174.7, 174.7 * (1 + 1e-7)], "constant"),
])  # fmt: skip
def test_in_batches_of_one_number_the_batches_vary_and_not_what_is_in_them(means, level):
    table = s.data_table(input={"std": 0.0})
    values = table.values.copy()
    values[:, 0, table.columns.index("mean")] = np.resize(means, len(values))
    found = check(s.healthy(data=replace(table, values=values)))
    assert found.sign("level") == level
    if level == "large":
        assert found.sign("std") == pytest.approx(np.std(np.resize(means, 20)), rel=0.05)


def test_ids_that_are_all_the_same_are_constant():
    card = s.with_layer(s.card(), "hidden_1", kind="Embedding")
    assert check(s.healthy(card=card)).state == "not_run"
    found = check(s.healthy(card=card, data=s.data_table(input={"mean": 1.0, "std": 0.0})))
    assert (found.state, found.sign("level")) == ("found", "constant")


def test_sizes_beyond_a_float_are_judged_without_a_warning():
    assert check(inputs(mean=1.7e38, std=3.0e38, feature_std_min=1e-45, feature_std_max=3e38)).sign("level") == "large"


@pytest.mark.parametrize(("last", "level"), [
    (1 / (DRIFTS * 1.1), "drifting"), (1 / (DRIFTS * 0.9), "normal"), (DRIFTS * 1.1, "drifting"), (3.0, "normal"),
])  # fmt: skip
def test_an_input_whose_spread_changes_many_times_over_drifts(last, level):
    run = inputs()
    half = np.arange(len(run.data.steps)) >= len(run.data.steps) // 2
    values = run.data.values.copy()
    values[half, 0, run.data.columns.index("std")] *= last
    found = check(replace(run, data=replace(run.data, values=values)))
    assert found.sign("level") == level

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.window import (
    EARLY_STEPS,
    best_curve,
    data_loss,
    early,
    is_kernel,
    kernels,
    late,
    late_series,
    medians,
    onset,
    penalty_of,
    span,
)
from tb_lossdiag.run import Row, Run


def test_early_is_the_first_twenty_steps_of_the_log():
    assert span(early(s.layer_table())) == (1, EARLY_STEPS)
    assert span(early(s.layer_table(range(101, 201)))) == (101, 100 + EARLY_STEPS)


def test_late_is_the_last_half_of_the_steps():
    assert span(late(s.layer_table())) == (220, 400)
    assert span(late(s.layer_table([5]))) == (5, 5)


def test_a_window_of_nothing_is_nothing():
    empty = s.first_steps(s.layer_table(), 0)
    assert span(early(empty)) is None and span(late(empty)) is None
    assert len(late_series(s.series([]))) == 0


def test_the_late_part_of_a_curve_is_its_last_half():
    assert late_series(s.series(np.arange(400.0))).steps[[0, -1]].tolist() == [201, 400]


def test_windows_cut_the_values_with_the_steps():
    table = s.layer_table()
    table.values[:, 0, 0] = table.steps
    assert early(table).values[:, 0, 0].tolist() == list(range(1, 21))


@pytest.mark.parametrize(("name", "kind", "kernel"), [
    ("dense/kernel", "variable", True), ("emb/embeddings", "variable", True), ("kernel", "variable", True),
    ("dense/bias", "variable", False), ("bn/gamma", "variable", False), ("bn/beta", "variable", False),
    ("dense", "output", False),
])  # fmt: skip
def test_kernels_are_the_variables_that_are_no_bias_or_scale(name, kind, kernel):
    assert is_kernel(Row(name, kind)) is kernel


def test_kernels_keep_their_order_and_values():
    table = s.with_column(s.layer_table(), "weight_norm", 9.0, ["hidden_2/kernel"])
    assert [row.layer for row in kernels(table).rows] == list(s.UNITS)
    assert kernels(table).cell("hidden_2/kernel", "weight_norm")[0] == 9.0


@pytest.mark.parametrize(("crossed", "step"), [
    ([0, 0, 0, 0], None),
    ([1, 1, 1, 1], 10),
    ([0, 0, 1, 1], 30),
    ([1, 0, 0, 0], None),
    ([1, 0, 1, 1], 10),
    ([0, 1, 0, 1], 20),
    ([0, 0, 0, 1], 40),
    ([], None),
])  # fmt: skip
def test_the_onset_is_where_it_crossed_and_mostly_stayed(crossed, step):
    steps = np.arange(1, len(crossed) + 1) * 10
    assert onset(steps, np.array(crossed, bool)) == step


def test_the_data_loss_is_the_loss_without_its_penalty():
    penalty = s.series([1.0, 3.0], [1, 400])
    loss = data_loss(Run("run", steps={"loss": s.series(np.full(400, 5.0)), "penalty": penalty}))
    assert loss.values[[0, -1]].tolist() == [4.0, 2.0] and loss.values[199] == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize("penalty", [[], [0.0, 0.0]])
def test_no_penalty_leaves_the_loss_alone(penalty):
    loss = s.series([1.0, 2.0])
    assert data_loss(Run("run", steps={"loss": loss, "penalty": s.series(penalty)})) is loss


def test_a_penalty_that_is_infinite_leaves_a_loss_that_is_not_finite():
    steps = {"loss": s.series([np.inf] * 3), "penalty": s.series([np.inf] * 3)}
    assert np.isnan(data_loss(Run("run", steps=steps)).values).all()


def test_the_curve_with_more_points_is_judged():
    steps, epochs = {"loss": s.series(np.ones(400))}, s.epochs(loss=np.ones(20))
    assert best_curve(Run("run", steps=steps, epochs=epochs)) == (steps["loss"], True)
    assert best_curve(Run("run", epochs=epochs)) == (epochs["loss"], False)
    few = {"loss": s.series(np.ones(5))}
    assert best_curve(Run("run", steps=few, epochs=epochs)) == (epochs["loss"], False)


@pytest.mark.parametrize("parts", [{}, {"steps": {"loss": s.series([])}}, {"epochs": s.epochs(loss=[])}])
def test_a_log_without_losses_has_no_curve(parts):
    assert best_curve(Run("run", **parts)) is None


def test_medians_leave_out_what_is_nan():
    nan, inf = np.nan, np.inf
    values = np.array([[3, nan, nan, inf, -inf], [1, 4, nan, inf, inf], [2, 2, nan, inf, nan]], np.float32)
    assert medians(values)[:4].tolist() == [2.0, 3.0, pytest.approx(nan, nan_ok=True), inf]
    assert np.isnan(medians(values)[4])


def test_medians_agree_with_numpy():
    values = np.random.default_rng(0).normal(size=(40, 30))
    values[values > 1] = np.nan
    np.testing.assert_allclose(medians(values), np.nanmedian(values, axis=0), rtol=1e-15)


def test_medians_of_no_records_are_nan():
    assert np.isnan(medians(np.empty((0, 3)))).all() and len(medians(np.empty((5, 0)))) == 0


def test_a_part_of_a_table_shares_its_values():
    table = s.layer_table()
    assert np.shares_memory(late(kernels(table)).values, table.values)


def test_what_layers_add_is_a_penalty_beside_a_loss_and_is_the_loss_where_there_is_no_other():
    curve = s.falling()
    beside = s.healthy(steps={**s.loss(curve), "penalty": s.series(0.1 * curve)})
    assert penalty_of(beside) is not None and data_loss(beside).values == pytest.approx(0.9 * curve)
    whole = s.healthy(steps={**s.loss(curve), "penalty": s.series(curve)})
    assert penalty_of(whole) is None and data_loss(whole).values == pytest.approx(curve)
    assert penalty_of(s.healthy(steps={**s.loss(curve), "penalty": s.series(0 * curve)})) is None

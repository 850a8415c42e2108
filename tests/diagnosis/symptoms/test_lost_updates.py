import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.lost_updates import LOST, check

STEPS = s.layer_table().steps


def unchanged(share, precision="bfloat16", table=None, card=None, **changes):
    """A run in which this share of every variable did not change, a number or one a record."""
    table = s.added(table or s.layer_table(), "unchanged_share", share, "variable")
    return s.healthy(**{"layers": table, "card": card or s.card(precision=precision), **changes})


@pytest.mark.parametrize(
    ("share", "level"), [(0.0, "kept"), (LOST * 0.99, "kept"), (LOST * 1.01, "lost"), (1.0, "lost")]
)
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_low_precision_that_swallows_half_of_the_updates_is_found(share, level, precision):
    found = check(unchanged(share, precision))
    assert (found.sign("level"), found.sign("dtype")) == (level, precision)
    assert (found.state, found.onset) == (("found", 1) if level == "lost" else ("not_found", None))
    assert found.sign("share") == found.evidence[0].value == pytest.approx(share)


def test_the_median_kernel_decides():
    shares = s.added(s.layer_table(), "unchanged_share", 0.0, "variable")
    for count, state in ((2, "not_found"), (3, "found")):
        values = shares.values.copy()
        for name in list(s.UNITS)[:count]:
            values[:, [row.name for row in shares.rows].index(f"{name}/kernel"), -1] = 0.9
        run = s.healthy(
            card=s.card(precision="bfloat16"), layers=type(shares)(STEPS, shares.rows, shares.columns, values)
        )
        assert check(run).state == state
    assert check(run).layers == ("hidden_1/kernel", "hidden_2/kernel", "hidden_3/kernel")


@pytest.mark.parametrize(("share", "state"), [
    (np.where(STEPS < 100, 0.0, 0.9), "not_found"), (np.full(len(STEPS), 0.9), "found"),
])  # fmt: skip
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_in_float32_a_converged_training_is_no_finding(share, state, precision):
    found = check(unchanged(share, precision))
    assert (found.state, found.sign("level"), found.sign("dtype")) == (state, "lost", "float32")


def test_the_recorded_format_of_the_variables_counts():
    late = np.where(STEPS < 100, 0.0, 0.9)
    found = check(unchanged(late, card=s.card(settings={"variable_dtype": "bfloat16"})))
    assert (found.state, found.sign("dtype"), found.onset) == ("found", "bfloat16", 100)


def test_float32_weights_that_never_move_have_another_reason():
    still = s.with_column(s.layer_table(), "update_norm", 0.0)
    assert check(unchanged(1.0, "float32", still)).state == "not_found"
    assert check(unchanged(1.0, "bfloat16", still)).found


def test_steps_without_a_learning_rate_lose_nothing():
    assert check(s.with_steps(unchanged(1.0), learning_rate=0.0)).state == "inconclusive"


def test_steps_thrown_away_for_an_overflow_lose_nothing():
    table = s.with_column(s.layer_table(), "gradient_nonfinite", 3.0)
    assert check(unchanged(1.0, table=table)).state == "inconclusive"


def test_steps_put_off_by_accumulation_lose_nothing():
    card = s.card(precision="bfloat16", optimizer={"name": "Adam", "config": {"gradient_accumulation_steps": 4}})
    waiting = STEPS % 4 != 0
    table = s.with_column(s.layer_table(), "update_norm", 0.0)
    table = s.with_column(table, "update_norm", np.where(waiting, 0.0, 1e-3), [f"{n}/kernel" for n in s.UNITS])
    shares = np.where(waiting, 1.0, 0.1)
    assert check(unchanged(shares, table=table, card=card)).sign("share") == pytest.approx(0.1)


def test_weights_without_any_gradient_decide_nothing():
    assert check(unchanged(np.nan)).state == "inconclusive"


@pytest.mark.parametrize("table", [None, s.layer_table(), unchanged(1.0).layers.of_kind("output")])
def test_a_log_without_unchanged_shares_asks_for_them(table):
    assert check(s.healthy(layers=table)).state == "not_run"


def test_a_damaged_log_does_not_raise():
    for precision in ("bfloat16", "float32"):
        for run in s.hostile(unchanged(0.9, precision)):
            assert check(run).id == "lost_updates"

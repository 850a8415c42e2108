import numpy as np
import pytest

from tb_lossdiag import schema
from tb_lossdiag.plugin.histograms import MAX_STEPS, histograms_payload
from tb_lossdiag.run import Histograms, ModelCard, Row, Run

ROWS = (Row("k", "variable"), Row("out", "output"))
LINES = (("k", "gradient"), ("k", "update"), ("out", "activation"))


def run(shares):
    """Of float [steps, lines, buckets]; steps count by tens."""
    steps = 10 * np.arange(1, len(shares) + 1)
    found = Histograms(steps, LINES, shares.astype(np.float16), *schema.histogram_edges())
    return Run("exp", ModelCard(rows=ROWS), histograms=found)


def blank(steps):
    return np.full((steps, len(LINES), schema.BUCKETS), np.nan)


def test_a_variable_has_its_gradient_and_update_between_the_outermost_values():
    shares = blank(2)
    shares[:, :2] = 0
    shares[0, 0, schema.ZERO_BUCKET - 1 : schema.ZERO_BUCKET + 2] = 0.2, 0.3, 0.5
    shares[1, 0, schema.ZERO_BUCKET + 3] = 0.9
    shares[:, 1, -1] = 1
    gradient, update = histograms_payload(run(shares), 0)["quantities"]
    assert (gradient["id"], gradient["label"], gradient["steps"]) == ("gradient", "Gradient", [10, 20])
    assert (gradient["shown"], gradient["recorded"]) == (2, 2)
    assert gradient["low"] == [-(2.0**-39), 0.0, 0.0, 2.0**-39, 2.0**-38]
    assert gradient["high"] == [0.0, 0.0, 2.0**-39, 2.0**-38, 2.0**-37]
    np.testing.assert_allclose(gradient["shares"], [[0.2, 0.3, 0.5, 0, 0], [0, 0, 0, 0, 0.9]], atol=3e-4)
    assert gradient["nonfinite"] == [0.0, pytest.approx(0.1)]
    assert (update["low"], update["high"], update["shares"]) == ([2.0**19], [np.inf], [[1.0], [1.0]])


def test_steps_at_which_a_row_was_not_measured_are_left_out_and_so_is_what_never_was():
    shares = blank(3)
    shares[1, 2] = 0
    shares[1, 2, 4] = 1
    assert histograms_payload(run(shares), 0)["quantities"] == []
    [activation] = histograms_payload(run(shares), 1)["quantities"]
    assert (activation["id"], activation["steps"], activation["nonfinite"]) == ("activation", [20], [0.0])


def test_values_that_are_all_nan_have_no_buckets_and_are_told():
    shares = blank(1)
    shares[:, 2] = 0
    [activation] = histograms_payload(run(shares), 1)["quantities"]
    assert (activation["low"], activation["shares"], activation["nonfinite"]) == ([], [[]], [1.0])


def test_of_many_steps_both_ends_and_an_even_part_are_shown():
    shares = blank(1000)
    shares[:, 2] = 1 / schema.BUCKETS
    [activation] = histograms_payload(run(shares), 1)["quantities"]
    assert (activation["shown"], activation["recorded"]) == (MAX_STEPS, 1000)
    assert (activation["steps"][0], activation["steps"][-1]) == (10, 10_000)
    assert set(np.diff(activation["steps"])) <= {50, 60}


def test_a_run_without_histograms_has_no_quantities():
    payload = histograms_payload(Run("exp", ModelCard(rows=ROWS)), 1)
    assert payload == {"run": "exp", "row": 1, "name": "out", "quantities": []}

import numpy as np

from tb_lossdiag.recording.layout import histograms_in
from tb_lossdiag.run import Row
from tb_lossdiag.schema import BUCKETS

KERNEL, BIAS, OUT, LATE = Row("k", "variable"), Row("b", "variable"), Row("out", "output"), Row("late", "output")


def test_histograms_stand_in_the_cards_order_whatever_order_a_trace_had():
    table = np.repeat(np.arange(5.0)[:, None], BUCKETS, axis=1)  # gradients of b and k, updates of b and k, out
    found = histograms_in((KERNEL, OUT, BIAS, LATE), (BIAS, KERNEL, OUT), table)
    assert found["gradient"][:, 0].tolist() == [1, 0]
    assert found["update"][:, 0].tolist() == [3, 2]
    np.testing.assert_array_equal(found["activation"][:, 0], [4, np.nan])


def test_a_card_without_outputs_has_histograms_of_its_variables_only():
    found = histograms_in((KERNEL,), (KERNEL,), np.zeros((2, BUCKETS)))
    assert {quantity: table.shape for quantity, table in found.items()} == dict.fromkeys(
        ("gradient", "update"), (1, BUCKETS)
    )

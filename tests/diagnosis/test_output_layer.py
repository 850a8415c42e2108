import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.output_layer import gives_predictions


@pytest.mark.parametrize(("prediction", "gives"), [
    ({}, True), ({"mean": 0.11}, True), ({"mean": 0.9}, False), ({"std": 0.4}, False), ({"mean": np.nan}, None),
])  # fmt: skip
def test_a_layer_gives_the_predictions_where_their_statistics_are_its_own(prediction, gives):
    assert gives_predictions(s.healthy(data=s.data_table(prediction=prediction)), "output") is gives


def test_without_statistics_nobody_knows():
    assert gives_predictions(s.healthy(), "elsewhere") is None
    assert gives_predictions(s.healthy(layers=None), "output") is None
    assert gives_predictions(s.healthy(data=None), "output") is None

from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.frozen_statistics import FAR, check
from tb_lossdiag.run import LayerCard, Row, Run

HELD = {"moving_mean": 0.4, "moving_variance": 0.5, "scale_mean": 1.2, "offset_mean": 0.1}


def fed(mean: float, std: float, settings=None, kind="BatchNormalization", trainable=False) -> Run:
    """A layer that holds these statistics and gives outputs of this mean and spread."""
    norm = LayerCard("norm", kind, parameters=4, trainable=trainable, settings=HELD if settings is None else settings)
    card = s.card()
    table = s.layer_table()
    rows = tuple(Row("norm", "output", "norm") if row.name == "hidden_1" else row for row in table.rows)
    table = replace(table, rows=rows)
    table = s.with_column(s.with_column(table, "activation_mean", mean, ["norm"]), "activation_std", std, ["norm"])
    return s.healthy(card=replace(card, layers=(norm, *card.layers)), layers=table)


@pytest.mark.parametrize(("mean", "std"), [(0.1, 1.2 * 255), (0.1, 1.2 / 255), (0.1 + 1.2 * 2 * FAR, 1.2)])
def test_inputs_unlike_those_that_frozen_statistics_come_from(mean, std):
    found = check(fed(mean, std))
    assert found.found and found.layers == ("norm",) and found.onset == 1 and found.sign("size") > FAR


@pytest.mark.parametrize(("mean", "std"), [(0.1, 1.2), (0.6, 2.4), (-0.4, 0.6)])
def test_other_data_of_the_same_kind_are_sound(mean, std):
    assert check(fed(mean, std)).state == "not_found"


def with_own_spread(run: Run, spread: float) -> Run:
    columns = (*run.layers.columns, "activation_unit_std")
    added = np.full((*run.layers.values.shape[:2], 1), np.nan, np.float32)
    added[:, [row.name == "norm" for row in run.layers.rows]] = spread
    values = np.concatenate([run.layers.values, added], axis=2)
    return replace(run, layers=replace(run.layers, columns=columns, values=values))


def test_units_that_no_longer_vary_are_found_though_their_levels_differ():
    assert check(with_own_spread(fed(-0.13, 0.6), 0.0025)).found
    assert check(with_own_spread(fed(-0.13, 0.6), 0.5)).state == "not_found"
    single = with_own_spread(fed(-0.13, 0.6), 0.0)
    assert check(replace(single, card=replace(single.card, batch_size=1))).state == "not_found"


def test_an_adapted_normalization_is_asked_too():
    adapted = {"moving_mean": 110.0, "moving_variance": 3000.0}
    assert check(fed(0.0, 1.0, adapted, "Normalization", True)).state == "not_found"
    assert check(fed(-2.0, 0.004, adapted, "Normalization", True)).found


@pytest.mark.parametrize("run", [
    fed(0.1, 300.0, trainable=True),  # takes its statistics from the batch
    fed(0.1, 300.0, {"moving_mean": 0.0, "moving_variance": 1.0}),  # never saw anything
    fed(0.1, 300.0, {}), fed(0.1, 300.0, kind="Dense"), s.healthy(),
])  # fmt: skip
def test_layers_without_frozen_statistics_have_none_to_compare(run):
    assert check(run).state == "not_run"


def test_without_a_row_nothing_was_seen():
    run = fed(0.1, 300.0)
    assert check(replace(run, layers=s.layer_table())).state == "inconclusive"

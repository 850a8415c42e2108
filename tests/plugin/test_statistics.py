import numpy as np

from tb_lossdiag import schema
from tb_lossdiag.plugin.statistics import CATALOGUE, statistics_of, values_of
from tb_lossdiag.run import Row, Table

ROWS = (Row("fc/kernel", "variable", "fc"), Row("fc", "output", "fc"))


def table(columns, **cells):
    values = np.full((2, len(ROWS), len(columns)), np.nan, np.float32)
    for name, column in cells.items():
        values[:, :, columns.index(name)] = column
    return Table(np.array([1, 2]), ROWS, columns, values)


def test_the_catalogue_knows_every_column_of_the_format_and_its_kind_of_row():
    assert {name: statistic.kind for name, statistic in CATALOGUE.items()} == schema.LAYER_COLUMNS


def test_columns_without_a_number_are_not_offered():
    found = statistics_of(table(("gradient_norm", "update_norm"), update_norm=[1.0, np.nan]))
    assert [statistic.id for statistic in found] == ["update_norm"]


def test_a_column_of_a_later_format_gets_a_plain_label_and_the_kind_of_its_rows():
    (statistic,) = statistics_of(table(("attention_entropy",), attention_entropy=[np.nan, 2.0]))
    assert (statistic.label, statistic.kind, statistic.scale) == ("Attention entropy", "output", "linear")


def test_a_run_without_layers_has_no_statistics():
    assert statistics_of(None) == []


def test_the_ratio_of_two_columns_is_offered_where_both_are_recorded():
    both = table(("gradient_norm", "weight_norm"), gradient_norm=[3.0, np.nan], weight_norm=[0.0, np.nan])
    ratio = statistics_of(both)[-1]
    assert (ratio.id, ratio.kind) == ("gradient_weight_ratio", "variable")
    np.testing.assert_array_equal(values_of(both, ratio, [0]), [[np.inf], [np.inf]])
    alone = table(("gradient_norm", "weight_norm"), gradient_norm=[3.0, np.nan])
    assert [statistic.id for statistic in statistics_of(alone)] == ["gradient_norm"]


def test_a_ratio_beyond_the_largest_number_is_infinite_without_a_warning():
    both = table(("gradient_norm", "weight_norm"), gradient_norm=[3e38, np.nan], weight_norm=[1e-30, np.nan])
    np.testing.assert_array_equal(values_of(both, statistics_of(both)[-1], [0]), [[np.inf], [np.inf]])

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.missing import FEW, missing_share


def counted(per_batch, batch_size=32):
    table = s.data_table()
    values = table.values.copy()
    values[:, 0, table.columns.index("nonfinite")] = per_batch
    return s.healthy(
        data=type(table)(table.steps, table.rows, table.columns, values), card=s.card(batch_size=batch_size)
    )


RECORDS = len(s.data_table().steps)


@pytest.mark.parametrize(("per_batch", "share"), [
    (32 * FEW * 0.9, "rows"), (32 * FEW * 1.1, "some"), (31, "some"), (32, "columns"), (320, "columns"),
    (np.where(np.arange(RECORDS) % 2, 10, 90), "some"), (np.nan, "some"),
])  # fmt: skip
def test_what_every_example_has_as_often_is_a_column(per_batch, share):
    assert missing_share(counted(per_batch), "input") == share


@pytest.mark.parametrize("run", [counted(3, None), s.healthy(data=None), s.healthy(card=None)])
def test_where_nobody_counted_nothing_is_said_of_rows(run):
    assert missing_share(run, "input") == "some"

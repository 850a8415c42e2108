import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.variety import variety
from tb_lossdiag.run import Run


def test_outputs_are_measured_by_their_targets():
    assert variety(a.run(s.flat(), {"diversity": 0.3}, {"diversity": 0.6})) == pytest.approx(0.5)


def test_where_there_are_no_targets_by_the_inputs():
    run = a.guessing()
    kept = [i for i, row in enumerate(run.data.rows) if row.kind != "target"]
    assert variety(s.healthy(data=run.data.of_rows(kept))) == pytest.approx(0.8)


@pytest.mark.parametrize("run", [
    Run("empty"), s.healthy(data=None), a.run(s.flat(), {"diversity": np.nan}), a.guessing(targets={"diversity": 0.0}),
])  # fmt: skip
def test_it_is_not_known_without_both(run):
    assert variety(run) is None

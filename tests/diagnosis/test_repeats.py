from dataclasses import replace

import asked_losses as a
import numpy as np
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.repeats import FEWEST, one_batch


def alike(steps_per_epoch=50, jitter=0.0, **changes):
    """A run whose samples all have the same inputs and targets; jitter: by what the inputs' means differ."""
    data = a.table({"output": {"loss": 0.5}})
    means = jitter * np.random.default_rng(0).normal(size=len(data.steps))
    data = s.with_column(data, "mean", 0.1, ["input:x", "target:output"])
    values = data.values.copy()
    values[:, 0, data.columns.index("mean")] += means
    return s.healthy(data=replace(data, values=values), card=s.card(steps_per_epoch=steps_per_epoch), **changes)


def test_the_same_statistics_in_all_samples_are_one_batch():
    assert "one and the same" in one_batch(alike())
    causes = diagnose_run(alike()).causes
    assert (causes[0].id, causes[0].title) == ("overfitting", "The same batch again and again")


def test_other_rows_each_time_are_not():
    assert one_batch(alike(jitter=1e-3)) is None


def test_all_rows_in_one_batch_come_again_as_they_should():
    assert one_batch(alike(steps_per_epoch=1)) is None
    assert one_batch(alike(steps_per_epoch=None)) is None


def test_few_samples_may_be_alike_by_chance():
    run = alike()
    assert one_batch(replace(run, data=s.first_steps(run.data, FEWEST - 1))) is None

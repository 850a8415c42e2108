import csv

import numpy as np
import pytest
import synthetic as s

from benchmarks.peers.export import rows, scalar_csv
from tb_lossdiag.run import Run


def sampled(**values):
    return {name: s.series(column, (1, 3)) for name, column in values.items()}


def test_a_row_holds_what_was_recorded_at_its_step():
    steps = {"loss": s.series([3.0, 2.0, 1.0]), **sampled(gradient_norm=[0.5, np.nan], learning_rate=[0.1, 0.01])}
    first, second, third = rows(Run("run", steps=steps))
    assert first == {"step": 1, "loss": 3.0, "grad_norm": 0.5, "learning_rate": 0.1}
    assert second == {"step": 2, "loss": 2.0}
    assert third["learning_rate"] == 0.01 and np.isnan(third["grad_norm"])


def test_the_update_ratio_is_held_between_samples():
    steps = {"loss": s.series([3.0, 2.0, 1.0]), **sampled(update_norm=[1.0, 2.0], weight_norm=[10.0, 0.0])}
    assert [row["update_ratio"] for row in rows(Run("run", steps=steps))] == [0.1, 0.1, np.inf]


def test_validation_loss_comes_with_the_last_loss_of_its_epoch():
    loss = s.series([3.0, 2.0, 1.0], (1, 2, 4))
    run = Run("run", steps={"loss": loss}, epochs={"val_loss": s.series([0.9, 0.8], (3, 5))})
    assert [row.get("val_loss") for row in rows(run)] == [None, 0.9, 0.8]


def test_a_log_of_epochs_has_a_row_an_epoch():
    run = Run("run", epochs=s.epochs(loss=[2.0, 1.0], val_loss=[2.5, 1.5]), step_unit="epoch")
    assert rows(run) == [{"step": 20, "loss": 2.0, "val_loss": 2.5}, {"step": 40, "loss": 1.0, "val_loss": 1.5}]


def test_a_run_without_a_loss_cannot_be_exported():
    with pytest.raises(ValueError, match="no loss"):
        rows(Run("run"))


def test_the_file_is_read_back_and_then_gone():
    with scalar_csv(s.healthy()) as path, open(path, newline="") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(s.STEPS) and float(read[0]["loss"]) == s.falling()[0]
    assert read[0]["val_loss"] == ""
    assert not path.exists()

import numpy as np
from event_files import scalars, step_record, tensor, write

from tb_lossdiag import schema
from tb_lossdiag.logs import list_experiments, read_run, source


def test_large_records_are_read_up_to_a_budget_that_keeps_the_newest(open_log, tmp_path, monkeypatch):
    record_bytes = step_record(1).nbytes
    monkeypatch.setattr(source, "READ_BYTES", 10 * record_bytes)
    records = [tensor(schema.STEPS, step, step_record(step, loss=1.0)) for step in range(1, 101)]
    write(tmp_path / "logs" / "exp" / "diagnostics", records)
    log = open_log(tmp_path / "logs")
    loss = read_run(log, list_experiments(log)["exp"]).steps["loss"]
    assert len(loss) == 10
    assert loss.steps[-1] == 100
    assert loss.written == 100


def test_a_record_larger_than_the_budget_is_read_alone(open_log, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "READ_BYTES", 1)
    write(tmp_path / "logs", [tensor(schema.STEPS, step, step_record(step, loss=1.0)) for step in (1, 2)])
    assert open_log(tmp_path / "logs").read_tensors(".", schema.STEPS).steps.tolist() == [2]


def test_steps_and_numbers_come_through_exactly(open_log, tmp_path):
    values = [np.nan, np.inf, -np.inf, -0.0, 1e-45]
    events = [tensor(schema.DATA, step, np.array([values], np.float32)) for step in (-1, 2**40)]
    write(tmp_path / "logs", events)
    samples = open_log(tmp_path / "logs").read_tensors(".", schema.DATA)
    assert samples.steps.tolist() == [-1, 2**40]
    np.testing.assert_array_equal(samples.values[0], np.array([values], np.float32))
    assert np.signbit(samples.values[0][0, 3])


def test_a_tag_or_run_that_is_not_there_has_no_samples(open_log, tmp_path):
    write(tmp_path / "logs", scalars("loss", [1.0]))
    log = open_log(tmp_path / "logs")
    assert len(log.read_tensors(".", schema.STEPS)) == 0
    assert len(log.read_scalars(".", "nothing")) == 0
    assert len(log.read_scalars("nowhere", "loss")) == 0

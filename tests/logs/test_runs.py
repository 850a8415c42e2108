import numpy as np
import pytest
from event_files import START, scalar, scalars, step_record, tensor, write

from tb_lossdiag import schema
from tb_lossdiag.logs import list_experiments, read_run

HOSTILE = ["sp ace/ünï", "x%2fy", "q?a=b&c#d", "<img src=x onerror=alert(1)>", "'; DROP TABLE runs; --", "[red]x"]


def records(count=4, seconds=1.0):
    return [
        tensor(schema.STEPS, step, step_record(step, loss=5.0 - step), wall=START + step * seconds)
        for step in range(1, count + 1)
    ]


def test_runs_are_named_by_directory_and_listed_with_data_only(open_log, tmp_path):
    write(tmp_path / "logs" / "a" / "diagnostics", records())
    write(tmp_path / "logs" / "b", scalars("loss", [1.0]))
    write(tmp_path / "logs" / "empty", [])
    assert list(list_experiments(open_log(tmp_path / "logs"))) == ["a", "b"]


def test_a_log_directory_that_is_the_training_itself_is_the_root_run(open_log, tmp_path):
    write(tmp_path / "logs" / "diagnostics", records())
    log = open_log(tmp_path / "logs")
    assert len(read_run(log, list_experiments(log)["."]).steps["loss"]) == 4


def test_a_log_directory_that_holds_only_our_records_is_the_root_run(open_log, tmp_path):
    write(tmp_path / "logs", records())
    log = open_log(tmp_path / "logs")
    assert read_run(log, list_experiments(log)["."]).source == "recorded"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names(open_log, tmp_path, name):
    write(tmp_path / "logs" / name / "diagnostics", records())
    log = open_log(tmp_path / "logs")
    assert list(list_experiments(log)) == [name]
    assert list(list_experiments(log, name)) == [name]
    assert read_run(log, list_experiments(log)[name]).name == name


def test_asking_for_one_experiment_gives_it_as_in_the_whole_list(open_log, tmp_path):
    for run in ("a/diagnostics", "a/train", "ab/train"):
        write(tmp_path / "logs" / run, scalars("epoch_loss", [1.0]))
    log = open_log(tmp_path / "logs")
    assert list_experiments(log, "a") == {"a": list_experiments(log)["a"]}
    assert list_experiments(log, "nowhere") == {}


def test_the_stamp_changes_with_the_data(open_log, tmp_path):
    directory = tmp_path / "logs" / "a" / "diagnostics"
    write(directory, records(4))
    before = list_experiments(open_log(tmp_path / "logs"))["a"].stamp
    assert list_experiments(open_log(tmp_path / "logs"))["a"].stamp == before
    write(directory, records(5))
    assert list_experiments(open_log(tmp_path / "logs"))["a"].stamp != before


def test_keras_validation_loss_fills_what_our_log_lacks_at_the_step_of_its_time(open_log, tmp_path):
    write(tmp_path / "logs" / "exp" / "diagnostics", records(20))
    write(tmp_path / "logs" / "exp" / "validation", scalars("epoch_loss", [3.0, 2.0], wall=START + 10.5, seconds=10))
    log = open_log(tmp_path / "logs")
    run = read_run(log, list_experiments(log)["exp"])
    assert run.source == "recorded"
    assert run.step_unit == "step"
    assert run.epochs["val_loss"].steps.tolist() == [10, 20]
    assert run.epochs["val_loss"].values.tolist() == [3.0, 2.0]


def test_our_own_epochs_go_before_those_of_keras(open_log, tmp_path):
    epoch = tensor(schema.EPOCHS, 4, schema.encode_json({"epoch": 0, "loss": 7.0}))
    write(tmp_path / "logs" / "exp" / "diagnostics", [*records(4), epoch])
    write(tmp_path / "logs" / "exp" / "train", [scalar("epoch_loss", 0, 9.0, START + 5)])
    log = open_log(tmp_path / "logs")
    assert read_run(log, list_experiments(log)["exp"]).epochs["loss"].values.tolist() == [7.0]


def test_scalars_stand_in_when_our_own_records_are_unreadable(open_log, tmp_path):
    write(tmp_path / "logs" / "exp" / "diagnostics", [tensor(schema.STEPS, 1, np.zeros(3, np.float64))])
    write(tmp_path / "logs" / "exp" / "train", scalars("epoch_loss", [9.0, 8.0]))
    log = open_log(tmp_path / "logs")
    run = read_run(log, list_experiments(log)["exp"])
    assert run.epochs["loss"].values.tolist() == [9.0, 8.0]
    assert run.step_unit == "epoch"
    assert any(schema.STEPS in line for line in run.skipped)


def test_a_record_written_at_no_time_does_not_make_the_stamp_differ_from_itself(open_log, tmp_path):
    record = tensor(schema.STEPS, 1, step_record(1, loss=1.0), wall=float("nan"))
    write(tmp_path / "logs" / "a" / "diagnostics", [record])
    log = open_log(tmp_path / "logs")
    stamps = [found.stamp for _ in range(2) for found in list_experiments(log).values()]
    assert len(set(stamps)) <= 1

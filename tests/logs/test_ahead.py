import numpy as np
import pytest
from event_files import bfloat16, scalars, step_record, tensor, write

from tb_lossdiag import schema
from tb_lossdiag.logs import ahead, list_experiments, read_run
from tb_lossdiag.logs.ahead import listed, read_ahead
from tb_lossdiag.logs.source import Log
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard, Row

CARD = ModelCard(rows=(Row("fc/kernel", "variable", "fc"), Row("fc", "output", "fc")))


class Counted:
    """A provider that counts what it is asked."""

    def __init__(self, provider):
        self.provider = provider
        self.asked = []

    def __getattr__(self, name):
        def ask(*arguments, **named):
            self.asked.append(name)
            return getattr(self.provider, name)(*arguments, **named)

        return ask


def counted(log):
    return Log(Counted(log.provider), log.context, log.experiment)


def write_runs(log_dir, count):
    for index in range(count):
        with DiagnosticsWriter(log_dir / f"run{index}", CARD) as writer:
            for step in range(1, 41):
                writer.write_layers(step, {"gradient_norm": [index + 1 / step, np.nan]})
                writer.write_step(step, loss=index + 2 / step, learning_rate=0.1)
            writer.write_epoch(40, 0, {"loss": 1.0})
        write(log_dir / f"run{index}" / "train", scalars("epoch_loss", [2.0, 1.0]))
    write(log_dir / "plain", scalars("loss", [2.0, 1.0]))


def same(one, other):
    np.testing.assert_equal(vars(one)["layers"] and vars(one.layers), vars(other)["layers"] and vars(other.layers))
    for part in ("steps", "epochs"):
        mine, theirs = getattr(one, part), getattr(other, part)
        assert list(mine) == list(theirs)
        for name in mine:
            np.testing.assert_equal(vars(mine[name]), vars(theirs[name]))
    assert (one.card, one.events, one.skipped, one.wall_time) == (
        other.card,
        other.events,
        other.skipped,
        other.wall_time,
    )


@pytest.fixture
def log_dir(tmp_path):
    write_runs(tmp_path / "logs", 5)
    return tmp_path / "logs"


def test_runs_read_ahead_are_the_runs_as_they_are_read_alone(log_dir, open_log):
    log = open_log(log_dir)
    experiments = list_experiments(log)
    known = read_ahead(listed(log), list(experiments.values()))
    assert list_experiments(known) == experiments
    for experiment in experiments.values():
        same(read_run(known, experiment), read_run(log, experiment))


@pytest.mark.parametrize("count", [1, 3, 5])
def test_any_number_of_runs_takes_as_few_questions_as_one(log_dir, open_log, count):
    log = counted(open_log(log_dir))
    now = listed(log)
    experiments = list(list_experiments(now).values())[1 : count + 1]  # the first has no records of ours
    known = read_ahead(now, experiments)
    for experiment in experiments:
        read_run(known, experiment)
    assert sorted(log.provider.asked) == ["list_scalars", "list_tensors", "read_scalars", *["read_tensors"] * 3]


def test_what_is_too_much_for_one_answer_is_read_alone(log_dir, open_log, monkeypatch):
    monkeypatch.setattr(ahead, "ANSWER_BYTES", 16 << 10)
    monkeypatch.setattr(ahead, "LIGHT_BYTES", 60)
    log = counted(open_log(log_dir))
    experiments = list_experiments(log)
    known = read_ahead(listed(log), list(experiments.values()))
    before = len(log.provider.asked)
    for experiment in experiments.values():
        same(read_run(known, experiment), read_run(log, experiment))
    assert len(log.provider.asked) > before


def test_one_record_that_cannot_be_decoded_costs_the_other_runs_nothing(log_dir, open_log):
    broken = [tensor(schema.STEPS, 1, step_record(1, loss=1.0)), tensor(schema.LAYERS, 1, bfloat16())]
    write(log_dir / "broken" / "diagnostics", broken)
    log = counted(open_log(log_dir))
    now = listed(log)
    experiments = list_experiments(now)
    known = read_ahead(now, list(experiments.values()))
    before = len(log.provider.asked)
    for name in experiments.keys() - {"broken"}:
        read_run(known, experiments[name])
    assert len(log.provider.asked) == before
    assert "not readable" in " ".join(read_run(known, experiments["broken"]).skipped)


def test_a_listed_log_knows_only_the_runs_it_was_asked_for(log_dir, open_log):
    log = listed(open_log(log_dir), ["plain", "nowhere"])
    assert list(list_experiments(log)) == ["plain"]
    assert log.recorded_tags() == {}


def test_what_is_listed_can_be_listed_again_and_read_in_any_way(log_dir, open_log):
    log = open_log(log_dir)
    twice = listed(listed(log))
    experiments = list_experiments(twice)
    known = read_ahead(twice, list(experiments.values()))
    same(read_run(known, experiments["run1"]), read_run(log, experiments["run1"]))
    assert known.provider.records

"""Trainings in several replicas and processes: the same bits as without us, nobody waits for ever, and one writes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recording.distributed import FAILURES, STEPS, WAYS, free_ports
from recording.reading import Records
from recording.small_models import mlp
from tb_lossdiag import schema
from tb_lossdiag.recording.cadence import BURST_STEPS
from tb_lossdiag.recording.workers import in_lockstep, spans_processes, writes

HERE = Path(__file__).resolve().parent
WORKERS, SCHEDULED = "MultiWorkerMirroredStrategy in a custom loop", "ParameterServerStrategy in a custom loop"
NUMBERS = ("loss", "gradient_norm", "update_norm", "weight_norm", "learning_rate")


def started(kind, directory, **variables):
    directory.mkdir(exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE.parent.parent, HERE.parent)))}
    return subprocess.Popen(
        [sys.executable, HERE / "distributed.py", kind, directory],
        env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3", **variables},
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes):
    """What each wrote to standard error, and its exit status."""
    try:
        return [(process.communicate(timeout=240)[1], process.returncode) for process in processes]
    finally:
        for process in processes:
            process.kill()


class Trained:
    """facts: what the process of a kind said; records(name): of one of its trainings."""

    def __init__(self, directory):
        self.directory = directory
        self.facts = json.loads((directory / "facts.json").read_text())

    def records(self, name):
        return Records(self.directory / name)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A function: kind -> Trained, the first worker's where there are two; each kind is trained once."""
    known = {}

    def train(kind):
        if kind not in known:
            directory = tmp_path_factory.mktemp(kind)
            if kind == "workers":
                cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
                tasks = [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in range(2)]
                places = [directory, directory / "second"]
                both = [
                    started(kind, place, TF_CONFIG=json.dumps(task)) for place, task in zip(places, tasks, strict=True)
                ]
                (said, first), (_, second) = ended(both)
                assert (first, second) == (0, 9), said  # the second one dies at the end, as it should
            else:
                ((said, status),) = ended([started(kind, directory)])
                assert status == 0, said
            known[kind] = Trained(directory)
        return known[kind]

    return train


@pytest.mark.parametrize("way", [way for way in WAYS if way.kind and not way.fails], ids=lambda way: way.name)
def test_it_trains_to_the_same_bits_and_records_the_step_of_all_replicas(trained, way):
    assert trained(way.kind).facts[way.name] is True
    records = trained(way.kind).records(way.name)
    reference = trained("mirrored").records("one replica")
    sampled = records.steps(schema.LAYERS)
    assert sampled[:12] == list(range(1, 13)) and not records.events("recording_stopped")
    assert records.card.batch_size == 16
    for column in NUMBERS:
        mine, theirs = records.column(column), reference.column(column)
        assert [mine[step] for step in sampled] == pytest.approx([theirs[step] for step in sampled], rel=1e-4)
    # A parameter server's workers cannot read what this process says, so there they count none.
    assert records.steps(schema.HISTOGRAMS)[:2] == ([] if way.kind == "scheduled" else [1, 11])
    kinds = [row.kind for row in records.card.data_rows]
    if way.name != "MirroredStrategy":  # a replica's part would tell of a smaller batch
        assert np.isnan(list(records.column("gradient_agreement").values())).all()
    assert kinds == (["input", "prediction"] if way.kind == "scheduled" else ["input", "target", "prediction"])


def test_the_halves_of_the_batch_that_all_replicas_share_agree_as_in_one(trained):
    names = ("MirroredStrategy", "one replica's fit")
    mine, theirs = (trained("mirrored").records(name).column("gradient_agreement") for name in names)
    assert list(mine) == list(range(1, 13))
    assert list(mine.values()) == pytest.approx(list(theirs.values()), rel=1e-3)


def test_a_replica_in_the_middle_has_a_part_of_both_halves_and_unequal_halves_are_left_out(trained):
    shared, whole, unequal = trained("thirds").facts["agreements"]
    assert shared == pytest.approx(whole, rel=1e-4) and np.isnan(unequal)


@pytest.mark.parametrize("training", ["fit", "loop"])
@pytest.mark.parametrize("failing", FAILURES)
def test_where_our_code_fails_in_a_replica_or_where_all_meet_the_training_goes_on(trained, failing, training):
    name = f"{failing}, {training}"
    assert trained("mirrored").facts[name] is True
    assert len(trained("mirrored").records(name).events("recording_stopped")) == 1


@pytest.mark.parametrize("way", [way for way in WAYS if way.fails], ids=lambda way: way.name)
def test_what_tensorflow_or_keras_cannot_do_says_so(trained, way):
    assert way.fails in trained(way.kind).facts[way.name]


def test_all_workers_sample_the_same_steps_and_the_first_writes(trained):
    workers = trained("workers")
    assert set(workers.facts["traced"]) == {1}  # the step itself, which is looked at, and the twin
    assert workers.facts["traced"] == Trained(workers.directory / "second").facts["traced"]
    assert workers.records(WORKERS).steps(schema.LAYERS) == list(range(1, BURST_STEPS + 1))
    assert list(workers.records(WORKERS).column("loss")) == list(range(1, STEPS + 1))
    assert not list(workers.directory.glob("second/**/*tfevents*"))


def test_where_recording_fails_on_either_worker_both_train_on_to_the_same_bits(trained):
    workers = trained("workers")
    assert workers.facts["failing"] is True
    assert len(workers.facts["warned"]) == 1 and "the training goes on" in workers.facts["warned"][0]
    assert workers.records("failing").steps(schema.LAYERS) == [1]
    second = Trained(workers.directory / "second")
    assert second.facts["failing"] is True
    assert workers.facts["failing, traced"] == second.facts["failing, traced"]  # though neither records any more


def test_the_log_of_a_training_whose_other_worker_died_is_readable(trained):
    workers = trained("workers")
    assert workers.facts["died"]
    assert workers.records("died").steps(schema.LAYERS) == list(range(1, BURST_STEPS + 1))
    assert len(workers.records("died").column("loss")) >= STEPS - 2


def test_scheduled_steps_that_run_at_once_are_recorded_in_the_order_of_the_loop(trained):
    scheduled = trained("scheduled")
    losses = scheduled.records("at once").column("loss")
    assert list(losses) == list(range(1, STEPS + 1))
    assert list(losses.values()) == pytest.approx(scheduled.facts["losses at once"])
    assert scheduled.records("at once").steps(schema.LAYERS) == list(range(1, BURST_STEPS + 1))
    assert scheduled.facts["threads"] == []


def test_a_single_process_writes_and_samples():
    assert writes(mlp()) and not spans_processes(mlp()) and not in_lockstep(mlp())

"""Trainings in several processes: nobody waits for anybody, and one process writes."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from recording.reading import Records
from recording.small_models import mlp
from tb_lossdiag import schema
from tb_lossdiag.recording.workers import spans_processes, writes

# What every process runs: a training of 16 examples a step under a strategy.
TRAINING = """
import sys, keras, numpy as np, tensorflow as tf
from tb_lossdiag import TrainingMonitor


def train(strategy, log_dir, steps, **options):
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "softmax", name="out")], name="net")
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(16, 4)).astype("float32"), rng.integers(0, 3, 16)

    def replica(x, y):
        with tf.GradientTape() as tape:
            losses = keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
            loss = tf.nn.compute_average_loss(losses, global_batch_size=16)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    @tf.function
    def step(data):
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica, data), axis=None)

    monitor = TrainingMonitor(model, optimizer, log_dir, **options) if log_dir else None
    watched = monitor.watch(step) if monitor else step
    data = tf.data.Dataset.from_tensor_slices((x, y)).batch(16).repeat(steps)
    for batch in strategy.experimental_distribute_dataset(data):
        watched(batch)
    if monitor:
        monitor.close()
    return model.get_weights()
"""
WORKER = f"""{TRAINING}
log_dir, weights = sys.argv[1:]
np.savez(weights, *train(tf.distribute.MultiWorkerMirroredStrategy(), log_dir, 40))
"""
MIRRORED = f"""{TRAINING}
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
two = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
bare, recorded = train(two, None, 5), train(two, sys.argv[1], 5, every=1)
train(tf.distribute.OneDeviceStrategy("CPU:0"), sys.argv[2], 5, every=1)
assert all(np.array_equal(a, b) for a, b in zip(bare, recorded))
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def trained(tmp_path, logs):
    """The weights of two workers that train together, each with its log directory or none."""
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(2)]}
    processes = []
    for index, log_dir in enumerate(logs):
        task = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", WORKER, log_dir, str(tmp_path / f"{index}.npz")],
                env={**os.environ, "TF_CONFIG": task, "TF_CPP_MIN_LOG_LEVEL": "3"},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    try:
        said = [process.communicate(timeout=240)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], said
    weights = []
    for index in range(2):
        with np.load(tmp_path / f"{index}.npz") as arrays:
            weights.append(list(arrays.values()))
    return weights


def test_two_workers_train_to_the_end_and_to_the_same_bits_and_the_first_writes_their_losses(tmp_path):
    bare = trained(tmp_path, ["", ""])
    recorded = trained(tmp_path, [str(tmp_path / "first"), str(tmp_path / "second")])
    for worker in range(2):
        assert all(np.array_equal(a, b) for a, b in zip(bare[worker], recorded[worker], strict=True))
    assert not list(tmp_path.glob("second/**/*tfevents*"))
    records = Records(tmp_path / "first")
    losses = records.column("loss")
    assert list(losses) == list(range(1, 41))
    assert losses[40] < losses[1]
    assert records.steps(schema.LAYERS) == []


def test_a_single_process_writes_and_samples():
    assert writes(mlp()) and not spans_processes(mlp())


def test_a_loop_over_two_replicas_records_the_whole_gradient_and_loss(tmp_path):
    places = [str(tmp_path / name) for name in ("two", "one")]
    subprocess.run([sys.executable, "-c", MIRRORED, *places], check=True, capture_output=True, text=True)
    two, one = (Records(place) for place in places)
    assert two.steps(schema.LAYERS) == [1, 2, 3, 4, 5] and not two.events("recording_stopped")
    for column in ("loss", "gradient_norm", "update_norm", "learning_rate"):
        assert list(two.column(column).values()) == pytest.approx(list(one.column(column).values()), rel=1e-5)

"""Which trainings run in several replicas or processes? A script, for each kind needs processes of its own.

    python distributed.py KIND DIRECTORY

Writes log directories, and what else the tests compare, into DIRECTORY.
"""

import json
import os
import resource
import signal
import socket
import sys
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import tensorflow as tf

from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording import packer
from tb_lossdiag.recording.agreement import agreement
from tb_lossdiag.recording.observation import Observation

LAYERS, STEPS = keras.layers, 24


@dataclass(frozen=True)
class Way:
    """One way to train, by its name in the README's support table.

    kind: of process, which trains it; None where tests/jax do. fails: what is said where it cannot be done.
    """

    name: str
    kind: str | None
    fails: str = ""
    group: str = "distributed"


WAYS = (
    Way("MirroredStrategy", "mirrored"),
    Way("MirroredStrategy in a custom loop", "mirrored"),
    Way("MultiWorkerMirroredStrategy in a custom loop", "workers"),
    Way("ParameterServerStrategy in a custom loop", "scheduled"),
    Way("keras.distribution.DataParallel on JAX", None),
    Way("keras.distribution.ModelParallel on JAX", None),
    Way("MirroredStrategy with gradient accumulation", "mirrored", "called while defining a new graph"),
    Way("MirroredStrategy with steps_per_execution=2", "mirrored", "You must feed a value for placeholder tensor"),
    Way("fit under MultiWorkerMirroredStrategy", "workers", "Attempt to convert a value (PerReplica"),
    Way("fit under ParameterServerStrategy", "scheduled", "pass this dataset to ClusterCoordinator"),
)


def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(16, 4)).astype("float32"), rng.integers(0, 3, 16)


def built(strategy, **options):
    """(model, optimizer)"""
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(5, "relu"), LAYERS.Dense(3, "softmax")])
        optimizer = keras.optimizers.SGD(0.1, momentum=0.9, **options)
        optimizer.build(model.trainable_variables)
    return model, optimizer


def replica_step(model, optimizer, traced=lambda: None):
    def step(x, y):
        traced()
        with tf.GradientTape() as tape:
            losses = keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
            loss = tf.nn.compute_average_loss(losses, global_batch_size=16)
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    return step


def loop(strategy, log_dir=None, after=lambda step: None, every="auto", include=None):
    """(the weights after a custom loop of 16 examples a step, the steps at which it was traced)

    after: called with the number of each step.
    """
    model, optimizer = built(strategy)
    traced, number = [], 0
    replica = replica_step(model, optimizer, lambda: traced.append(number))

    @tf.function
    def step(x, y):
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica, (x, y)), axis=None)

    monitor = TrainingMonitor(model, optimizer, log_dir, every, include) if log_dir else None
    watched = monitor.watch(step) if monitor else step
    batches = strategy.experimental_distribute_dataset(tf.data.Dataset.from_tensor_slices(data()).batch(16).repeat())
    try:
        for number, batch in zip(range(1, STEPS + 1), batches, strict=False):
            watched(*batch)
            after(number)
    finally:
        if monitor:
            monitor.close()
    return model.get_weights(), traced


def fit(strategy, log_dir=None, steps_per_execution=1, **options):
    """The weights after a fit of 16 examples a step."""
    model, optimizer = built(strategy, **options)
    with strategy.scope():
        model.compile(optimizer, "sparse_categorical_crossentropy", steps_per_execution=steps_per_execution)
    callbacks = [LossDiagnostics(log_dir, every=1)] if log_dir else []
    batches = tf.data.Dataset.from_tensor_slices(data()).batch(16).repeat(6)
    model.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)
    return model.get_weights()


def agreed(strategy, sizes):
    """The agreement of fifteen examples, of which each replica has so many."""
    rng = np.random.default_rng(1)
    features, residuals = (rng.normal(size=(15, width)).astype("float32") for width in (4, 3))
    ends = np.cumsum(sizes)

    def part(context):
        number = context.replica_id_in_sync_group
        rows = slice(ends[number] - sizes[number], ends[number])
        return features[rows], residuals[rows]

    @tf.function
    def run(parts):
        return strategy.run(lambda both: agreement(*both, tf.distribute.get_replica_context()), (parts,))

    parts = strategy.experimental_distribute_values_from_function(part)
    return float(strategy.experimental_local_results(run(parts))[0])


def fails_together(*_):
    """Something of ours fails where the replicas meet, outside of all of them."""
    tf.distribute.get_replica_context().merge_call(lambda strategy: 1 / 0)


def fails_alone(observation, *_):
    """Something of ours fails in one replica, and the other waits for it."""
    if observation.replica == 0:
        raise ZeroDivisionError
    tf.distribute.get_replica_context().merge_call(lambda strategy: None)


# What breaks in a step that is recorded, and how.
FAILURES = {
    "packing, together": (packer, "packed", fails_together),
    "packing, alone": (packer, "packed", fails_alone),
    "hook, together": (Observation, "saw_apply", fails_together),
    "hook, alone": (Observation, "saw_apply", fails_alone),
}


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def failure(train):
    try:
        train()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def mirrored(directory):
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    two, one = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]), tf.distribute.OneDeviceStrategy("CPU:0")
    loop(one, directory / "one replica", every=1)
    fit(one, directory / "one replica's fit")
    fitted, looped = fit(two), loop(two)[0]
    yield WAYS[0].name, same(fitted, fit(two, directory / WAYS[0].name))
    yield WAYS[1].name, same(looped, loop(two, directory / WAYS[1].name, every=1)[0])
    for name, (owner, attribute, fails) in FAILURES.items():
        with mock.patch.object(owner, attribute, fails), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that recording stopped
            yield f"{name}, fit", same(fitted, fit(two, directory / f"{name}, fit"))
            yield f"{name}, loop", same(looped, loop(two, directory / f"{name}, loop", every=1)[0])
    yield WAYS[6].name, failure(lambda: fit(two, gradient_accumulation_steps=2))
    yield WAYS[7].name, failure(lambda: fit(two, steps_per_execution=2))


def thirds(directory):
    """Apart from the other replicas, as TensorFlow does not let a device be one of two and then one of three."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 3)
    three, one = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1", "CPU:2"]), tf.distribute.OneDeviceStrategy("CPU:0")
    yield "agreements", [agreed(three, (5, 5, 5)), agreed(one, (15,)), agreed(three, (6, 6, 3))]


def workers(directory):
    """What each of two workers runs; a directory for each."""
    first = json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 0
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    bare, _ = loop(strategy)
    recorded, traced = loop(strategy, directory / WAYS[2].name)
    yield WAYS[2].name, same(bare, recorded)
    yield "traced", traced

    # The first cannot write any more from its second sample on, the other cannot pack any.
    def fill_the_disk(step):
        if step in (1, STEPS):
            written = sum(file.stat().st_size for file in directory.glob("failing/**/*events*"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (written if step == 1 else -1, -1))

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        limited, chosen = (fill_the_disk, None) if first else (lambda step: None, "absent")
        recorded, traced = loop(strategy, directory / "failing", limited, 5, chosen)
    yield "failing", same(bare, recorded)
    yield "failing, traced", traced
    yield "warned", [str(warning.message) for warning in warned if "tb_lossdiag" in str(warning.message)]

    yield WAYS[8].name, failure(lambda: fit(strategy))

    def die(step):
        if step == STEPS - 1 and not first:
            os._exit(9)

    yield "died", failure(lambda: loop(strategy, directory / "died", die))


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def scheduled(directory):
    """Two workers and a parameter server, in threads of this process."""
    ports = [f"localhost:{port}" for port in free_ports(3)]
    cluster = tf.train.ClusterSpec({"worker": ports[:2], "ps": ports[2:]})
    # With two threads, steps may wait for each other for ever.
    config = tf.compat.v1.ConfigProto(inter_op_parallelism_threads=4)
    servers = [
        tf.distribute.Server(cluster, job_name=job, task_index=index, protocol="grpc", config=config)
        for job, index in (("worker", 0), ("worker", 1), ("ps", 0))
    ]
    assert len(servers) == 3
    strategy = tf.distribute.ParameterServerStrategy(
        tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, rpc_layer="grpc")
    )
    coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
    batches = coordinator.create_per_worker_dataset(
        lambda: tf.data.Dataset.from_tensor_slices(data()).batch(16).repeat()
    )

    def train(log_dir=None, one_by_one=True):
        """(weights, losses that the loop was given)"""
        model, optimizer = built(strategy)
        replica = replica_step(model, optimizer)

        @tf.function
        def step(iterator):
            return strategy.run(replica, next(iterator))

        iterator, values = iter(batches), []
        monitor = TrainingMonitor(model, optimizer, log_dir) if log_dir else None
        for _ in range(STEPS):
            if monitor:
                values.append(monitor.schedule(coordinator, step, (iterator,)))
            else:
                values.append(coordinator.schedule(step, (iterator,)))
            if one_by_one:
                coordinator.join()
        coordinator.join()
        if monitor:
            monitor.close()
        return model.get_weights(), [float(value.fetch()) for value in values]

    (weights, losses), (recorded, again) = train(), train(directory / WAYS[3].name)
    yield WAYS[3].name, same(weights, recorded) and losses == again
    yield "losses at once", train(directory / "at once", one_by_one=False)[1]
    yield "threads", [thread.name for thread in threading.enumerate() if thread.name == "lossdiag"]
    yield WAYS[9].name, failure(lambda: fit(strategy))


if __name__ == "__main__":
    kinds = {train.__name__: train for train in (mirrored, thirds, workers, scheduled)}
    kind, directory = kinds[sys.argv[1]], Path(sys.argv[2])
    facts = {}
    for name, fact in kind(directory):
        facts[name] = fact
        (directory / "facts.json").write_text(json.dumps(facts))
    os._exit(0)  # servers and a training whose worker died do not always end

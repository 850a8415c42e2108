"""Does this training run in several processes, and what part has this one in recording it?

Under MultiWorkerMirroredStrategy the steps of all workers meet in collectives. A step that is another program on one
of them, or comes late because only that one had to trace it, is not promised to meet the others: on CPUs TensorFlow
2.21 gives collectives their keys at the call and they do, XLA and NCCL could not be tried. So each worker traces the
same twin and runs it at the same calls, which a SharedCadence fixes, and the first one writes. The twin asks the others
for nothing that the step does not, and what fails in our own code, on whatever worker, ends only what is written.

Under ParameterServerStrategy there is one loop, the coordinator's, whose workers wait for nobody (scheduled.py).
"""

from typing import Any

import keras


def strategy_of(model: keras.Model) -> Any:
    """The tf.distribute strategy of the model; None on another backend."""
    return getattr(model, "distribute_strategy", None)


def replicas_of(model: keras.Model) -> int:
    """How many replicas take a step together, each with its part of the batch."""
    return getattr(strategy_of(model), "num_replicas_in_sync", 1)


def alone(model: keras.Model) -> bool:
    """Whether one replica in one process takes each step."""
    return replicas_of(model) == 1 and not spans_processes(model)


def first_replicas(model: keras.Model, value: Any) -> Any:
    """Of what a step is given outside of its replicas: the part of this process's first."""
    strategy = strategy_of(model)
    return keras.tree.map_structure(lambda leaf: strategy.experimental_local_results(leaf)[0], value)


def stops_replica(error: Exception) -> bool:
    """Whether TensorFlow raised this to end the trace of a replica, as another failed or the place where they meet did.

    Who catches it leaves the replica waiting for ever where it would meet the others next.
    """
    from tb_lossdiag.recording.tensorflow_private import ends_replica  # on JAX TensorFlow may be absent

    return ends_replica(error)


def spans_processes(model: keras.Model) -> bool:
    resolver = getattr(strategy_of(model), "cluster_resolver", None)
    return resolver is not None and bool(resolver.cluster_spec().jobs) and _tasks(resolver) > 1


def in_lockstep(model: keras.Model) -> bool:
    """Whether other processes run the same loop, and wait for this one in every step."""
    if not spans_processes(model):
        return False
    import tensorflow as tf  # where there is a strategy it is loaded; on JAX it may be absent

    return isinstance(strategy_of(model), tf.distribute.MultiWorkerMirroredStrategy)


def writes(model: keras.Model) -> bool:
    """Whether this is the first worker, or the only process."""
    resolver = getattr(strategy_of(model), "cluster_resolver", None)
    if resolver is None or not resolver.cluster_spec().jobs:
        return True
    first = "chief" if "chief" in resolver.cluster_spec().jobs else "worker"
    return (resolver.task_type or first) == first and (resolver.task_id or 0) == 0


def _tasks(resolver: Any) -> int:
    spec = resolver.cluster_spec()
    return sum(spec.num_tasks(job) for job in spec.jobs)

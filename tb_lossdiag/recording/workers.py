"""Does this training run in several processes, and is this the one that writes?

Their steps meet in collectives, which every process has to run with the same keys. A twin on one of them, or a sample
that only one of them takes, would leave the others waiting for ever; so under these strategies no step is sampled.
"""

from typing import Any

import keras


def strategy_of(model: keras.Model) -> Any:
    """The tf.distribute strategy of the model; None on another backend."""
    return getattr(model, "distribute_strategy", None)


def spans_processes(model: keras.Model) -> bool:
    resolver = getattr(strategy_of(model), "cluster_resolver", None)
    return resolver is not None and bool(resolver.cluster_spec().jobs) and _tasks(resolver) > 1


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

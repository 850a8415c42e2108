"""What do the kernels say of arrays that numpy has an answer for? A script, as JAX shall not be in the tests' process.

    python kernels.py ARRAYS.npz ANSWERS.npz

Array "<kernel> <whatever>" is answered by "<kernel> <whatever>/<statistic>".
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np

from tb_lossdiag.recording.jax import histograms, statistics
from tb_lossdiag.recording.layout import OUTPUT_COLUMNS


def gradients(*arrays):
    """Of several gradients at once, of variables of 2 that the step made 3, but is said to have changed in nothing."""
    given = [(2.0 * (one := jnp.ones(x.shape)), 3.0 * one, x, one > 0.0) for x in arrays]
    return statistics.variable_statistics(given)


def counted(x, on=True):
    lines = [histograms.drawn(x), None, histograms.drawn_output(x), histograms.drawn_change(jnp.zeros_like(x), x)]
    return {"shares": histograms.histograms(lines, on)}


def output(x, activation):
    return dict(zip(OUTPUT_COLUMNS, statistics.output_statistics(x, activation), strict=True))


KERNELS = {
    "gradient": gradients,
    "output": lambda x: output(x, "relu"),
    "bounded": lambda x: output(x, "tanh"),
    "data": statistics.data_statistics,
    "labels": lambda x: statistics.data_statistics(x, 3) | {"table": statistics.target_statistics(x, 3)},
    "targets": lambda x: {"table": statistics.target_statistics(x)},
    "majority": lambda x: {"share": statistics.majority_share(x, 0.3)},
    "extreme": lambda x: {"share": statistics.extreme_share(x)},
    "counted": counted,
    "uncounted": lambda x: counted(x, jnp.any(x > jnp.inf)),
}

if __name__ == "__main__":
    given, found = np.load(sys.argv[1]), {}
    for name in given:
        kernel = jax.jit(KERNELS[name.split()[0]])
        found |= {f"{name}/{statistic}": np.asarray(value) for statistic, value in kernel(given[name]).items()}
    together = [given[name] for name in given if name.startswith("gradient")]
    found |= {f"together/{name}": np.asarray(column) for name, column in jax.jit(gradients)(*together).items()}
    np.savez(sys.argv[2], **found)

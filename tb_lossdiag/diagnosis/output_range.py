"""Can the outputs be what a distance asks of them, the targets? By the activation, a normalisation, and both ranges."""

import numpy as np

from tb_lossdiag.diagnosis.output_layer import Pair
from tb_lossdiag.diagnosis.reference import are_zero_or_one, known_targets, value_range
from tb_lossdiag.run import Run

RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, np.inf),
    "exponential": (0.0, np.inf),
    "softsign": (-1.0, 1.0),
}
# Beyond the end of an activation's range; no activation rounds as far past it.
LEAVES = 1e-3
# Of a batch that was normalised, with an epsilon under the root; and targets this far from it, in standard deviations.
STANDARD, FAR = 0.02, 2.0
LENGTH_ONE = 1e-4  # of a mean square length, in float32
NORMALISING = {"BatchNormalization", "LayerNormalization", "GroupNormalization"}
FEW = 3  # samples


def regression(run: Run, pair: Pair) -> tuple[str, str]:
    """(fault, what was seen) of an output that is to equal its target; no fault where it can."""
    told, reach = pair.told, RANGES.get(pair.output.activation or "")
    low, high = value_range(run, "target", pair.at)
    if reach is None:
        return _normalised(run, pair) or ("", f"{told}: they fit.")
    if pair.output.activation == "softmax" and pair.at == 0 and _are_class_numbers(run, pair.units):
        return (
            "squared_error_for_classes",
            f"{told}: every target is a class number {low:g} … {high:g}, and each output is asked to equal it.",
        )
    beyond = unreachable(run, pair)
    if beyond is not None:
        return beyond
    if reach == (0.0, 1.0) and pair.at == 0 and _only_zero_and_one(run):
        return (
            "squared_error_for_labels",
            f"{told}, and every target is 0 or 1: a squared error through a sigmoid has no gradient where it is wrong.",
        )
    return "", f"{told}: they fit."


def _normalised(run: Run, pair: Pair) -> tuple[str, str] | None:
    """Outputs that are made 0 on average and 1 in spread, or vectors of length 1, against targets that are neither."""
    if run.data is None:
        return None
    tables = run.data.of_kind("prediction"), run.data.of_kind("target")
    if any(len(one.rows) <= pair.at or not (one.has("mean") and one.has("std")) for one in tables):
        return None
    means, spreads = (tables[0].column(name)[:, pair.at].astype(np.float64) for name in ("mean", "std"))
    target, target_spread = (float(tables[1].column(name)[0, pair.at]) for name in ("mean", "std"))
    ends = (0, -1)  # what is moved and stretched again behind it shows at the end
    standard = pair.output.kind in NORMALISING and all(
        abs(means[at]) < STANDARD and abs(spreads[at] - 1) < STANDARD for at in ends
    )
    if standard and (abs(target) > FAR or not 1 / FAR < target_spread < FAR):
        return "normalised_output", (
            f"{pair.told}: it makes outputs 0 on average and 1 in spread, the targets have mean {target:.3g} and "
            f"standard deviation {target_spread:.3g}."
        )
    units = pair.units or 1
    lengths, target_length = (units * (m**2 + s**2) for m, s in ((means, spreads), (target, target_spread)))
    of_length_one = units > 1 and len(lengths) >= FEW and np.abs(lengths - 1).max() < LENGTH_ONE
    if not of_length_one or 1 / FAR < target_length < FAR:
        return None
    return "normalised_output", (
        f"{pair.told}: each output is a vector of length 1, and the targets have a mean square length of "
        f"{target_length:.3g}."
    )


def unreachable(run: Run, pair: Pair) -> tuple[str, str] | None:
    """Where targets lie that the output's activation cannot give; None where there are none."""
    reach = RANGES.get(pair.output.activation or "")
    low, high = value_range(run, "target", pair.at)
    if reach is None or not (low < reach[0] - 1e-6 or high > reach[1] + 1e-6) or _leave(run, pair, reach):
        return None
    outputs = f"{reach[0]:g} … {reach[1]:g}" if np.isfinite(reach[1]) else f"{reach[0]:g} or more"
    return (
        "unreachable_targets",
        f"{pair.told}: it can only output {outputs}, the targets run from {low:.4g} to {high:.4g}.",
    )


def _leave(run: Run, pair: Pair, reach: tuple[float, float]) -> bool:
    """Whether predictions lie where the activation cannot give any: then something else comes behind it."""
    low, high = value_range(run, "prediction", pair.at)
    return bool(low < reach[0] - LEAVES or high > reach[1] + LEAVES)


def _are_class_numbers(run: Run, units: int | None) -> bool:
    """Whether one column of whole numbers 0 … units - 1 stands against several units of a softmax."""
    low, high = value_range(run, "target")
    one = run.targets is not None and len(run.targets.rows) == 1
    return bool(one and units and 1 < high < units and low >= 0 and low.is_integer() and high.is_integer())


def _only_zero_and_one(run: Run) -> bool:
    targets = known_targets(run)
    return targets is not None and are_zero_or_one(targets.column("mean"), targets.column("std"))

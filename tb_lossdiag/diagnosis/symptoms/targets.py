"""Can these targets be learned at all? Labels out of range, labels that never vary, targets on a scale far from 1."""

import numpy as np

from tb_lossdiag.diagnosis.losses import loss_names
from tb_lossdiag.diagnosis.measured import measured
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.reference import (
    ABSOLUTE,
    BINARY,
    CATEGORICAL,
    DISTANCES,
    SQUARED,
    known_targets,
    loss_name,
    pooled_mean,
    pooled_variance,
    value_range,
)
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.diagnosis.window import late, span
from tb_lossdiag.run import Run, Table

ID = "targets"
TITLE = "Labels and targets"
# A class (or a side of a yes/no label) this rare makes the constant guess look good.
MAJORITY = 0.9
# Of several labels that may hold together: rarer than this on average, saying no to all is nearly right. Unmeasured; of
# 200 labels 2 to 5 held in the program that was told nothing (docs/first_contact.md, ninth round).
RARE_LABEL = 0.03
# Under another loss than a cross-entropy the kinds are known by their variance; a tenth is seen as 8 … 12 % of samples.
MAJORITY_OF_TWO = 0.88
# Two values have the variance p (1 - p) of their distance squared exactly; float32 and pooling leave a thousandth.
ROUNDING = 1e-3
# Standardised targets have spread 1; predictions start near 0, so a far larger target is a long way off.
LARGE = 10.0
# A loss that compares numbers as they are begins as far from 0 as they, if not at the square of that; one that brings
# them to a common scale, or takes their logarithm, begins near 1.
AS_FAR = 0.5
# Outputs that are still this many times nearer to 0 than what they are to describe have not come to it. Unmeasured: a
# spread as large as the mean leaves values of a fifth of it.
UNREACHED = 10.0
FIRST = 3  # samples
# Counts, and numbers whose ratio counts, cannot be standardised: a loss of these is made for them as they are.
AS_THEY_ARE = {"poisson", "poisson_nll_loss", "mean_squared_logarithmic_error", "msle", "kl_divergence",
               "mean_absolute_percentage_error", "mape"}  # fmt: skip
# One-hot labels have one class each: their shares add up to 1, label smoothing included.
WHOLE = 0.5
SEVERAL = 1.05  # beyond rounding; rows of labels that exclude each other, and soft ones, add up to 1
# A share p of ones among zeros spreads by sqrt(1 / p - 1) times its mean: 5 is one in 26. Unmeasured, from heat maps
# (docs/first_contact.md, eighth round), whose points spread by 9.
SPARSE = 5.0
SOURCE = "labels of the recorded batches"


def check(run: Run) -> Check:
    if run.card is None or run.data is None or run.targets is None or not len(run.targets.steps):
        return Check(ID, TITLE, "not_run", needs=recorded("recorded targets", run))
    low, high = value_range(run, "target")
    if known_targets(run) is None or np.isnan(low):
        return Check(ID, TITLE, "inconclusive", needs="finite targets")
    level, text, value, threshold = _judge(run, low, high)
    output = 0
    if level == "normal":
        output, level, text, value, threshold = _large_beside(run) or (0, level, text, value, threshold)
        low, high = value_range(run, "target", output)
    evidence = Evidence(text, value, threshold, "", SOURCE, (), span(run.targets))
    bad = level != "normal"
    return Check(
        ID,
        TITLE,
        "found" if bad else "not_found",
        (evidence,),
        0 if bad else None,
        signs=(
            ("level", level),
            ("min", low),
            ("max", high),
            ("size", value if level == "large" else None),
            ("unreached", level == "large" and _are_unreached(run, output, value)),
            ("absent", _absent(run)),
        ),
    )


def _absent(run: Run) -> int | None:
    """How many of the classes that the output can name no recorded label is of; None where targets are no classes."""
    shares = pooled_mean(run.targets)
    if loss_name(run.card) not in CATEGORICAL or len(shares) < 2 or abs(shares.sum() - 1) > WHOLE:
        return None
    return int(np.count_nonzero(shares == 0))


def _judge(run: Run, low: float, high: float) -> tuple[str, str, float, float]:
    """Level, sentence, value and threshold; low, high: the range of the targets."""
    name = loss_name(run.card)
    mean = pooled_mean(run.targets)
    outside = _out_of_range(run.data.of_kind("target"))
    if outside:
        return (
            "out_of_range",
            f"{outside:.0f} recorded labels lie outside 0 … {len(mean) - 1} ({low:g} … {high:g}).",
            outside,
            0.0,
        )
    if name == "sparse_categorical_crossentropy" and 0 < high < 1:
        return (
            "fractional",
            f"Integer class labels are expected, these run from {low:g} to {high:g}: all become class 0.",
            high,
            1.0,
        )
    if name in BINARY and (low < 0 or high > 1):
        return "out_of_range", f"Binary labels must lie in 0 … 1, these run from {low:g} to {high:g}.", high, 1.0
    if name in CATEGORICAL and len(mean) > 1 and mean.sum() < WHOLE:
        return "none_hot", f"No class is set in {1 - mean.sum():.0%} of the recorded labels.", float(mean.sum()), WHOLE
    if name in CATEGORICAL and len(mean) > 1 and mean.sum() > SEVERAL:
        text = f"A row of labels adds up to {mean.sum():.2g}: several classes hold at once, where {name} lets one win."
        return "many_hot", text, float(mean.sum()), SEVERAL
    if name in CATEGORICAL and len(mean) == 1 and high > 1:
        # A loss that a step calls on as many classes as there are examples, say: their shares were not recorded.
        return "normal", f"Class numbers run from {low:g} to {high:g}.", high, MAJORITY
    if name in CATEGORICAL | BINARY:
        shares = mean if len(mean) > 1 else np.array([1 - mean[0], mean[0]])
        top = float(shares.max())
        if (name in CATEGORICAL and top >= 1 - 1e-9) or (name in BINARY and np.all(pooled_variance(run.targets) == 0)):
            return (
                "constant",
                f"{_constant_label(name, mean, low, high)}; there is nothing to learn.",
                top,
                1.0,
            )
        if top >= MAJORITY and (name in CATEGORICAL or len(mean) == 1):
            return "imbalanced", f"One class makes up {top:.1%} of the recorded labels.", top, MAJORITY
        often = float(np.mean(mean))
        if name in BINARY and len(mean) > 1 and often <= RARE_LABEL and mean.sum() > SEVERAL:
            text = f"A label holds for {often:.1%} of the examples on average, of {len(mean)} labels."
            return "imbalanced", text, 1 - often, 1 - RARE_LABEL
        what = "class makes up" if name in CATEGORICAL or len(mean) == 1 else f"of {len(mean)} labels is set in"
        return "normal", f"The most frequent {what} {top:.1%} of the recorded labels.", top, MAJORITY
    kinds = _two_kinds(run, low, high)
    if kinds is not None and kinds >= MAJORITY_OF_TWO:
        text = f"Every recorded target is {low:g} or {high:g}, and {kinds:.1%} are of one kind."
        return "imbalanced", text, kinds, MAJORITY_OF_TWO
    spread = float(np.sqrt(np.mean(pooled_variance(run.targets))))
    size = float(np.hypot(np.mean(np.abs(mean)), spread))
    if name in SQUARED | ABSOLUTE and spread == 0:
        return "constant", f"{_constant('target', mean, low, high)}; there is nothing to learn.", spread, 0.0
    if size > LARGE and _are_numbers(run, 0, name, size):
        return "large", _far("Targets run", low, high, spread), size, LARGE
    sparse = _spread_in_means(run) if low == 0 < high else 0.0
    if sparse >= SPARSE:
        text = f"Targets run from 0 to {high:.3g} and spread by {sparse:.2g} times their mean: nearly all are near 0."
        return "sparse", text, sparse, SPARSE
    return "normal", f"Targets run from {low:.4g} to {high:.4g}.", size, LARGE


def _far(what: str, low: float, high: float, spread: float) -> str:
    return f"{what} from {low:.4g} to {high:.4g} (spread {spread:.4g}); predictions start near 0."


def _large_beside(run: Run) -> tuple[int, str, str, float, float] | None:
    """The largest targets of the other outputs that are to equal them: their place, and the rest as of `_judge`."""
    table = run.data.of_kind("target")
    if len(table.rows) < 2 or not (table.has("mean") and table.has("std")):
        return None
    found = []
    for at, name in enumerate(loss_names(run.card, len(table.rows))):
        mean, spread = (_typical(table.column(column)[:, at]) for column in ("mean", "std"))
        size = float(np.hypot(mean, spread))
        if at and size > LARGE and _are_numbers(run, at, name, size):
            text = _far(f"Targets of {table.rows[at].own_name!r} run", *value_range(run, "target", at), spread)
            found.append((at, "large", text, size, LARGE))
    return max(found, key=lambda one: one[3], default=None)


def _are_numbers(run: Run, at: int, name: str, size: float) -> bool:
    """Whether the targets are numbers that an output is to come to, and no names of classes or rows."""
    table = run.data.of_kind("target")
    ends = np.stack([table.column(column)[:, at].astype(np.float64) for column in ("min", "max")])
    if np.nanmax(np.abs(ends[:, 0]), initial=0.0) <= LARGE:
        return False  # they became large: targets that the training makes itself follow its outputs
    if name in DISTANCES:
        return True
    own = _asked(run, at)
    if own is None or name in CATEGORICAL | BINARY | AS_THEY_ARE:
        return False
    ends = ends[np.isfinite(ends)]
    told = own.least is not None or bool((ends != np.round(ends)).any())
    losses = own.loss[:FIRST]
    return told and len(losses) > 0 and bool(np.median(np.abs(losses)) > AS_FAR * size)


def _asked(run: Run, at: int):
    """What was measured of the output that these targets belong to; None where nothing was."""
    name = run.data.of_kind("target").rows[at].own_name
    found = measured(run)
    own = [one for one in found if one.output == name]
    return own[0] if own else found[0] if len(found) == 1 and at == 0 else None


def _are_unreached(run: Run, at: int, size: float) -> bool:
    """Whether the outputs are far nearer to 0 to the end than the targets they are to describe."""
    table = late(run.data.of_kind("prediction"))
    if at >= len(table.rows) or not (table.has("min") and table.has("max")):
        return False
    reach = np.abs([table.column(column)[:, at].astype(np.float64) for column in ("min", "max")]).max(axis=0)
    known = reach[np.isfinite(reach)]
    return len(known) > 0 and bool(known[-FIRST:].max() * UNREACHED < size)


def _typical(values: np.ndarray) -> float:
    known = values[np.isfinite(values)].astype(np.float64)
    return float(np.median(np.abs(known))) if len(known) else np.nan


def _two_kinds(run: Run, low: float, high: float) -> float | None:
    """The share of the more frequent of two values, such as pairs that match or do not; None of any other targets."""
    mean, variance = pooled_mean(run.targets), pooled_variance(run.targets)
    if len(mean) != 1 or not low < high:
        return None
    share = (mean[0] - low) / (high - low)
    if not 0 < share < 1 or abs(variance[0] - share * (1 - share) * (high - low) ** 2) > ROUNDING * (high - low) ** 2:
        return None
    return float(max(share, 1 - share))


def _constant_label(name: str, mean: np.ndarray, low: float, high: float) -> str:
    if name in CATEGORICAL and len(mean) > 1:
        return f"Every recorded label is class {int(mean.argmax())}"
    return _constant("label", mean, low, high)


def _constant(what: str, mean: np.ndarray, low: float, high: float) -> str:
    """Said of targets none of which ever varies: all of one value, or each of several of its own."""
    if low == high:
        return f"Every recorded {what} is {low:g}"
    return f"Each of the {len(mean)} {what}s of an example is the same in every recorded one ({low:g} … {high:g})"


def _out_of_range(targets: Table) -> float:
    """How many labels were counted outside 0 … classes - 1; 0 where nobody counted."""
    counts = targets.column("out_of_range").astype(np.float64) if targets.has("out_of_range") else np.zeros(1)
    return float(counts[np.isfinite(counts)].sum())


def _spread_in_means(run: Run) -> float:
    """The standard deviation of a target's elements, in times of their mean; 0 where that is not known."""
    table = run.data.of_kind("target") if run.data is not None else None
    if table is None or not table.rows or not (table.has("mean") and table.has("std")):
        return 0.0
    mean, spread = (table.column(name)[:, 0].astype(np.float64) for name in ("mean", "std"))
    known = np.isfinite(mean) & np.isfinite(spread) & (mean > 0)
    return float(np.median(spread[known] / mean[known])) if known.any() else 0.0

"""What would TheDeepChecker (TOSEM 2022) say? A re-statement: it needs TensorFlow 1 graphs and a fit of its own.

Conditions from deep_checker/checkers.py and hooks.py of thedeepchecker/thedeepchecker, defaults from its settings. It
judges before training and in a fit of one batch over 200 steps; here the training's own first 200 steps stand in for
that fit, so its loss rules see mini-batch noise that they were not made for. Told apart from the original:
- Layers are judged at the recorded steps after the 10th, not at every 10th; series of steps need consecutive records.
- Update ratios are of norms, not of mean absolute values.
- Features and targets are judged by the first batch, not by the whole data set.
- A unit is dead when silent in the batch; a layer is saturated by its share of elements in the outer 5 % of the range
  (its rho is that share times the distance from the middle, nearly).
Not re-stated, for want of data: signs and zeros of weights, output ranges, loss against metric, penalty against data
gradients, reduction of the loss, last bias, and everything that trains anew (single-batch fit, zero inputs, labels,
augmentation, train and evaluation mode).
"""

import math
from collections.abc import Iterator

import numpy as np

from benchmarks.peers.answer import Answer, Case
from benchmarks.peers.rule import Rule, first_cell, hidden, judge, kernels, step_loss
from tb_lossdiag.run import LayerCard, Run, Table

FIRST, LAST, PERIOD = 11, 200, 10  # steps: start, length of the fit, period
F_CRITICAL = 2.70554  # its F test at alpha 0.1, whatever the sample size
ALMOST = 0.01  # its almost_equal
NORMALIZED_MINIMA, NORMALIZED_MAXIMA = (0.0, -1.0), (1.0,)
BALANCE = 0.5
LOSS_DEVIATION = 1.0
DEAD_UNITS = 0.5
SATURATED = 0.85
ACTIVATION_STD = (0.5, 2.0)
WEIGHT_GROWTH, GRADIENT_DECAY, GRADIENT_GROWTH = 2.0, 0.5, 2.0
WINDOW = 5
VANISHED, EXPLODED = 1e-6, 1e6  # mean absolute gradient
FAST, SLOW = -1.0, -4.0  # log10 of the update ratio
LOSS_DROP, LOSS_RISE = 0.05, 2.0
SMOOTHNESS, SMOOTHNESS_WINDOW = 0.5, 50


def nonfinite(run: Run) -> str | None:
    broken = np.flatnonzero(~np.isfinite(step_loss(run).values[:LAST]))
    if len(broken):
        return f"loss not finite at step {step_loss(run).steps[broken[0]]}"
    return first_cell(run.layers and run.layers.between(0, LAST), "gradient_nonfinite", lambda count: count > 0)


def constant_features(run: Run) -> str | None:
    return first_cell(_first_batch(run, "input"), "std", lambda std: std == 0)


def unnormalized_features(run: Run) -> str | None:
    return _unnormalized(_first_batch(run, "input"))


def unscaled_targets(run: Run) -> str | None:
    return None if _classes(run) else _unnormalized(_first_batch(run, "target"))


def unbalanced_labels(run: Run) -> str | None:
    if not _classes(run) or run.targets is None or not run.targets.has("mean"):
        return None
    shares = run.targets.column("mean").astype(np.float64).mean(axis=0)
    shares = shares[shares > 0]
    balance = np.exp(-np.sum(shares * np.log(shares))) / _classes(run)  # perplexity over the number of classes
    return f"balance {balance:.2g}" if balance < BALANCE else None


def symmetric_weights(run: Run) -> str | None:
    for layer, std in _initial(run):
        if std**2 <= ALMOST * 1e-6:
            return f"{layer.path}: weights without variance"
    return None


def initial_variance(run: Run) -> str | None:
    for layer, std in _initial(run):
        fan_in = layer.settings["kernel_fan_in"]
        lecun, he = 1 / fan_in, 2 / fan_in
        glorot = 2 / (fan_in + (layer.units or fan_in))
        wanted = {"relu": he, "tanh": glorot, "sigmoid": lecun}.get(_activation(run))
        allowed = (wanted,) if wanted else (lecun, he, glorot)
        if std**2 > 1e-8 and not any(_same_variance(std**2, variance) for variance in allowed):
            return f"{layer.path}: standard deviation {std:.3g}, expected {math.sqrt(allowed[0]):.3g}"
    return None


def initial_loss(run: Run) -> str | None:
    losses, classes = step_loss(run).values, _classes(run)
    if not classes or classes < 2 or not len(losses):
        return None
    expected = math.log(classes)
    return f"{losses[0]:.4g}, expected {expected:.4g}" if abs(losses[0] / expected - 1) >= LOSS_DEVIATION else None


def dead_layer(run: Run) -> str | None:
    return first_cell(_judged(hidden(run)), "activation_dead_share", lambda share: share > DEAD_UNITS)


def saturated_layer(run: Run) -> str | None:
    return first_cell(_judged(hidden(run)), "activation_saturated_share", lambda share: share > SATURATED)


def activation_scale(run: Run) -> str | None:
    low, high = ACTIVATION_STD[0] / math.sqrt(F_CRITICAL), ACTIVATION_STD[1] * math.sqrt(F_CRITICAL)
    return first_cell(_judged(hidden(run)), "activation_std", lambda std: (std < low) | (std > high))


def diverging_weights(run: Run) -> str | None:
    table = _judged(kernels(run))
    return first_cell(table, "weight_norm", lambda norm: _ratios(table, norm, lambda r: r >= WEIGHT_GROWTH))


def vanishing_gradients(run: Run) -> str | None:
    table = _judged(kernels(run))
    return first_cell(
        table,
        "gradient_mean_abs",
        lambda mean: (mean < VANISHED) | _ratios(table, mean, lambda r: r <= GRADIENT_DECAY),
    )


def exploding_gradients(run: Run) -> str | None:
    table = _judged(kernels(run))
    return first_cell(
        table,
        "gradient_mean_abs",
        lambda mean: (mean > EXPLODED) | _ratios(table, mean, lambda r: r >= GRADIENT_GROWTH),
    )


def untrained_weights(run: Run) -> str | None:
    return _mean_ratio(run, lambda mean: mean == 0)


def fast_weights(run: Run) -> str | None:
    return _mean_ratio(run, lambda mean: (mean > FAST) & (mean != 0))


def slow_weights(run: Run) -> str | None:
    return _mean_ratio(run, lambda mean: mean < SLOW)


def diverging_loss(run: Run) -> str | None:
    for losses in _loss_windows(run):
        if (losses[1:] >= LOSS_RISE * losses[:-1]).all():
            return f"{losses[0]:.4g} to {losses[-1]:.4g}"
    return None


def stagnated_loss(run: Run) -> str | None:
    for losses in _loss_windows(run):
        if ((losses[:-1] - losses[1:]) / losses[:-1] < LOSS_DROP).all():
            return f"{losses[0]:.4g} to {losses[-1]:.4g} over {WINDOW} checks"
    return None


def fluctuating_loss(run: Run) -> str | None:
    losses = _checked_losses(run)
    for end in range(2, len(losses) + 1):
        part = losses[max(0, end - SMOOTHNESS_WINDOW) : end]
        turns = np.count_nonzero(np.diff(part[1:] > part[:-1]))
        if (len(part) - turns) / len(part) < SMOOTHNESS:
            return f"smoothness {(len(part) - turns) / len(part):.2g}"
    return None


def _initial(run: Run) -> Iterator[tuple[LayerCard, float]]:
    for layer in run.card.layers if run.card else ():
        if layer.settings.get("kernel_std") is not None and layer.settings.get("kernel_fan_in"):
            yield layer, float(layer.settings["kernel_std"])


def _same_variance(one: float, other: float) -> bool:
    return max(one, other) <= F_CRITICAL * min(one, other)


def _activation(run: Run) -> str | None:
    """The activation function: it knows one for the whole model, here the first layer's."""
    return run.card.layers[0].activation if run.card and run.card.layers else None


def _classes(run: Run) -> int | None:
    """How many classes there are; None for a regression."""
    loss = str(run.card.loss.get("name", "")).lower() if run.card else ""
    if "crossentropy" not in loss.replace("_", ""):
        return None
    return run.card.settings.get("classes") or (len(run.targets.rows) if run.targets else None)


def _first_batch(run: Run, kind: str) -> Table | None:
    table = run.data and run.data.of_kind(kind)
    return table.between(table.steps[0], table.steps[0]) if table and len(table.steps) else None


def _unnormalized(table: Table | None) -> str | None:
    if table is None or not {"min", "max", "mean", "std"} <= set(table.columns):
        return None
    for row in table.rows:
        low, high, mean, std = (float(table.cell(row.name, name)[0]) for name in ("min", "max", "mean", "std"))
        ranged = _close(low, *NORMALIZED_MINIMA) and _close(high, *NORMALIZED_MAXIMA)
        standard = _close(mean, 0.0) and _close(std, 1.0)
        if std > 0 and not ranged and not standard:
            return f"{row.name} from {low:.3g} to {high:.3g}, mean {mean:.3g}, standard deviation {std:.3g}"
    return None


def _close(value: float, *targets: float) -> bool:
    return any(abs(value - target) <= ALMOST for target in targets)


def _judged(table: Table | None) -> Table | None:
    return table and table.between(FIRST, LAST)


def _ratios(table: Table, values: np.ndarray, wrong) -> np.ndarray:
    """True at a record that ends WINDOW records of consecutive steps, every ratio of two of them wrong."""
    found = np.zeros(values.shape, bool)
    for end in range(WINDOW - 1, len(values)):
        start = end - WINDOW + 1
        if table.steps[end] - table.steps[start] == WINDOW - 1:
            found[end] = wrong(values[start + 1 : end + 1] / values[start:end]).all(axis=0)
    return found


def _mean_ratio(run: Run, wrong) -> str | None:
    """Words for the first period whose mean log10 update ratio of a kernel is wrong; a zero ratio counts as its 0."""
    table = kernels(run)
    if table is None or not table.has("update_ratio"):
        return None
    table = table.between(1, LAST)
    ratios = table.column("update_ratio").astype(np.float64)
    logs = np.where(ratios > 0, np.log10(np.where(ratios > 0, ratios, 1)), np.where(np.isnan(ratios), np.nan, 0.0))
    periods = (table.steps - 1) // PERIOD
    for period in np.unique(periods):
        means = logs[periods == period].mean(axis=0)
        for row in np.flatnonzero(wrong(means)):
            return (
                f"{table.rows[row].name}: mean log10 of the update ratio {means[row]:.3g} near step {period * PERIOD}"
            )
    return None


def _checked_losses(run: Run) -> np.ndarray:
    """The mean loss of every PERIOD steps, up to the first that is not finite."""
    losses = step_loss(run).values[:LAST]
    broken = np.flatnonzero(~np.isfinite(losses))
    losses = losses[: broken[0]] if len(broken) else losses
    return losses[: len(losses) // PERIOD * PERIOD].reshape(-1, PERIOD).mean(axis=1)


def _loss_windows(run: Run) -> Iterator[np.ndarray]:
    losses = _checked_losses(run)
    return (losses[end - WINDOW : end] for end in range(WINDOW, len(losses) + 1))


RULES = (
    Rule("nonfinite values", nonfinite, ("exploding_gradients",)),
    Rule("constant features", constant_features, ("constant_inputs",)),
    Rule("unnormalized features", unnormalized_features, ("unnormalized_inputs",)),
    Rule("unnormalized targets", unscaled_targets, ("unscaled_targets",)),
    Rule("weights without variance", symmetric_weights, ("symmetric_initialization", "poor_initialization")),
    Rule("dead layer", dead_layer, ("dying_relu",)),
    Rule("saturated layer", saturated_layer, ("saturated_activations",)),
    Rule("vanishing gradients", vanishing_gradients, ("vanishing_gradients",)),
    Rule("exploding gradients", exploding_gradients, ("exploding_gradients",)),
    Rule("untrained weights", untrained_weights, ("learning_rate_zero", "updates_not_applied", "frozen_layers")),
    Rule("fast weights", fast_weights, ("learning_rate_too_high",)),
    Rule("slow weights", slow_weights, ("learning_rate_too_low",)),
    Rule("diverging weights", diverging_weights, ("learning_rate_too_high",)),
    Rule("initial variance", initial_variance, ("poor_initialization",)),
    Rule("initial loss", initial_loss, ("poor_initialization",)),
    Rule("diverging loss", diverging_loss, ("learning_rate_too_high",)),
    Rule("activation scale", activation_scale),
    Rule("unbalanced labels", unbalanced_labels),
    Rule("stagnated loss", stagnated_loss),
    Rule("fluctuating loss", fluctuating_loss),
)


def ask(case: Case) -> Answer:
    return judge(RULES, case.run)

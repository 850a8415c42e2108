"""What would SageMaker Debugger's built-in rules say? A re-statement: the rules themselves are not open.

Conditions from doc_source/debugger-built-in-rules.md of awsdocs/amazon-sagemaker-developer-guide, defaults where the
page leaves them open from awslabs/sagemaker-debugger-rulesconfig. The rules see saved steps only, one in 500 by
default; here they see every step we recorded, which is more. Told apart from the original:
- DeadRelu counts a unit as dead that is silent in the whole batch, not in under 1 % of it.
- SaturatedActivation asks for inputs beyond 9.5 (tanh) or 17 (sigmoid); recorded is the outer 5 % of the range, so the
  rule fires here wherever it would there, and earlier.
- PoorWeightInitialization's 5th to 95th percentile of a gradient is taken as 4.1 mean absolute values, as in a normal
  distribution. The page does not say how its three parts combine: here the loss must stand still as well.
Not re-stated: Confusion and ClassImbalance's mispredictions (no predictions per class are recorded), CheckInputImages
(no channels), TensorVariance (no default), NLPSequenceRatio, SimilarAcrossRuns, StalledTraining and XGBoost's rules.
"""

import numpy as np

from benchmarks.peers.answer import Answer, Case
from benchmarks.peers.rule import Rule, first_cell, hidden, judge, kernels, step_loss, variables
from tb_lossdiag.run import Run

DEAD_UNITS = 0.5  # threshold_layer
SATURATED_UNITS = 0.5  # threshold_layer
VANISHED = 1e-7  # mean absolute gradient
LARGE_UPDATE, SMALL_UPDATE = 10.0, 1e-8
UNCHANGED, UNCHANGED_SAVES = 1e-5, 3  # rtol of allclose, num_steps
VARIANCE_RATIO, GRADIENT_RANGE, FIRST_STEPS, PATIENCE = 10.0, 0.001, 10, 5
NORMAL_RANGE = 4.1  # (p95 - p5) / mean absolute value of a normal distribution
LOSS_STEPS, LOSS_DECREASE = 10, 0.001  # num_steps, diff_percent
OVERFIT_RATIO = 0.1
TRAIN_PATIENCE, VALIDATION_PATIENCE, DELTA = 5, 10, 0.01
IMBALANCE, LABELS = 10.0, 500


def exploding_tensor(run: Run) -> str | None:
    loss = step_loss(run)
    broken = np.flatnonzero(~np.isfinite(loss.values))
    if len(broken):
        return f"loss {loss.values[broken[0]]} at step {loss.steps[broken[0]]}"
    for column in ("gradient_nonfinite", "activation_nonfinite"):
        if words := first_cell(run.layers, column, lambda count: count > 0):
            return words
    return None


def vanishing_gradient(run: Run) -> str | None:
    return first_cell(variables(run), "gradient_mean_abs", lambda mean: mean < VANISHED)


def dead_relu(run: Run) -> str | None:
    return first_cell(hidden(run), "activation_dead_share", lambda share: share > DEAD_UNITS)


def saturated_activation(run: Run) -> str | None:
    return first_cell(hidden(run), "activation_saturated_share", lambda share: share > SATURATED_UNITS)


def poor_weight_initialization(run: Run) -> str | None:
    losses = step_loss(run).values[:FIRST_STEPS]
    if len(losses) < FIRST_STEPS or np.min(losses[-PATIENCE:]) < np.min(losses[:-PATIENCE]):
        return None
    layers = run.card.layers if run.card else ()
    variances = [layer.settings["kernel_std"] ** 2 for layer in layers if "kernel_std" in layer.settings]
    if variances and max(variances) > VARIANCE_RATIO * min(variances):
        return f"weight variances from {min(variances):.3g} to {max(variances):.3g}"
    table = kernels(run)
    return first_cell(
        table and table.between(1, FIRST_STEPS), "gradient_mean_abs", lambda mean: NORMAL_RANGE * mean < GRADIENT_RANGE
    )


def large_update(run: Run) -> str | None:
    return first_cell(kernels(run), "update_ratio", lambda ratio: ratio > LARGE_UPDATE)


def small_update(run: Run) -> str | None:
    return first_cell(kernels(run), "update_ratio", lambda ratio: ratio < SMALL_UPDATE)


def unchanged_tensor(run: Run) -> str | None:
    return first_cell(kernels(run), "update_ratio", _unchanged)


def _unchanged(ratio: np.ndarray) -> np.ndarray:
    """True from the record on that ends UNCHANGED_SAVES still ones."""
    still = ratio < UNCHANGED
    for _ in range(UNCHANGED_SAVES - 1):
        still[1:], still[0] = still[1:] & still[:-1], False
    return still


def all_zero(run: Run) -> str | None:
    return first_cell(variables(run), "gradient_zero_share", lambda share: share >= 1)


def loss_not_decreasing(run: Run) -> str | None:
    loss = step_loss(run)
    now, before = loss.values[LOSS_STEPS::LOSS_STEPS], loss.values[:-LOSS_STEPS:LOSS_STEPS]
    stuck = np.flatnonzero(now > before * (1 - LOSS_DECREASE))
    if not len(stuck):
        return None
    at = stuck[0]
    return f"{before[at]:.4g} to {now[at]:.4g} at step {loss.steps[LOSS_STEPS::LOSS_STEPS][at]}"


def overfit(run: Run) -> str | None:
    train, validation = _curves(run)
    over = np.flatnonzero((validation - train) / train > OVERFIT_RATIO)
    return f"validation {validation[over[0]]:.4g}, training {train[over[0]]:.4g}" if len(over) else None


def overtraining(run: Run) -> str | None:
    train, validation = _curves(run)
    if _waited(train) <= TRAIN_PATIENCE or _waited(validation) <= VALIDATION_PATIENCE:
        return None
    return f"no improvement for {min(_waited(train), _waited(validation))} epochs"


def class_imbalance(run: Run) -> str | None:
    batch = run.card.batch_size if run.card else None
    classes = run.card.settings.get("classes") if run.card else None
    if not batch or not classes or run.targets is None or not run.targets.has("mean"):
        return None
    counts = run.targets.column("mean").astype(np.float64).mean(axis=0)
    if len(run.targets.steps) * batch < LABELS or not np.max(counts) > IMBALANCE * np.min(counts):
        return None
    return f"class shares from {np.min(counts):.3g} to {np.max(counts):.3g}"


def _curves(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation loss of the epochs that have both."""
    if not {"loss", "val_loss"} <= set(run.epochs):
        return np.zeros(0), np.zeros(0)
    train, validation = run.epochs["loss"], run.epochs["val_loss"]
    both = np.intersect1d(train.steps, validation.steps)
    return train.values[np.isin(train.steps, both)], validation.values[np.isin(validation.steps, both)]


def _waited(curve: np.ndarray) -> int:
    """Epochs since the curve last fell by more than DELTA below its best."""
    best, waited = np.inf, 0
    for value in curve:
        best, waited = (value, 0) if value < best - DELTA else (best, waited + 1)
    return waited


STILL = ("learning_rate_too_low", "learning_rate_zero", "updates_not_applied", "frozen_layers")
RULES = (
    Rule("ExplodingTensor", exploding_tensor, ("exploding_gradients",)),
    Rule("DeadRelu", dead_relu, ("dying_relu",)),
    Rule("SaturatedActivation", saturated_activation, ("saturated_activations",)),
    Rule("VanishingGradient", vanishing_gradient, ("vanishing_gradients",)),
    Rule("PoorWeightInitialization", poor_weight_initialization, ("poor_initialization",)),
    Rule("WeightUpdateRatio", large_update, ("learning_rate_too_high",)),
    Rule("WeightUpdateRatio", small_update, STILL),
    Rule("UnchangedTensor", unchanged_tensor, STILL),
    Rule("AllZero", all_zero, ("disconnected_graph", "frozen_layers")),
    Rule("ClassImbalance", class_imbalance),
    Rule("Overfit", overfit, ("overfitting",)),
    Rule("Overtraining", overtraining, ("overfitting",)),
    Rule("LossNotDecreasing", loss_not_decreasing),
)


def ask(case: Case) -> Answer:
    return judge(RULES, case.run)

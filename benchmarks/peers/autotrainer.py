"""What would AUTOTRAINER (ICSE 2021) say? A re-statement: it needs Keras 2 and trains under its own callback.

Conditions from AutoTrainer/utils/monitor.py, utils.py and repair.py of shiningrain/AUTOTRAINER with its default
parameters. It looks after every third epoch and stops at the first issue, keeping the one of its highest order of
attention: data, then activation and loss, then gradients, then the rest. Classification only: without an accuracy it
cannot run. Told apart from the original:
- Gradients are those of the newest recorded step, not of one fixed batch.
- Without validation data the training curves stand in for it; the original cannot run then.
- Accuracy is judged from 30 % of the epochs on, as in the paper. The code subtracts one check from that and so finds
  "not converging" after the first epoch of any training of up to 13 epochs.
- Sums and means of absolute outputs are bounded from below by the recorded maxima and means.
Not re-stated: weights above 5 and the overfitting rules, which the original collects and never acts upon.
"""

from collections.abc import Iterator

import numpy as np

from benchmarks.peers.answer import Answer, Case, Remark, answer, could_not_run
from benchmarks.peers.rule import kernels, variables
from tb_lossdiag.run import Row, Run, Series, Table

CHECK_GAP = 3  # epochs
JUDGEMENT = 0.3  # of the planned epochs
VANISHING_RATIO, VANISHING_NORM = 1e-3, 1e-4  # beta_1, beta_2
EXPLODING_RATIO = 70.0  # beta_3
ZERO_SHARE = 0.7  # gamma
SWING, SWING_SHARE = 0.03, 0.2  # zeta, eta
SATISFIED, SLOW_STEP = 0.7, 0.01  # Theta, delta
LARGE_LOSS = 1e3
LARGE_OUTPUT, ABNORMAL_MEAN = 1.1, 10.0  # omega_2 + 0.1, omega_1
ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy", "categorical_accuracy", "binary_accuracy")

# Issue -> order of attention, and the causes it stands for: what it names, or what its first repairs treat.
ISSUES = {
    "abnormal_data": (4, ("unnormalized_inputs",)),
    "activation_issue": (3, ("output_activation_mismatch",)),
    "loss_issue": (3, ("loss_mismatch",)),
    "relu": (2, ("dying_relu",)),
    "explode": (2, ("exploding_gradients",)),
    "vanish": (2, ("vanishing_gradients",)),
    "not_converge": (1, ("unsuitable_optimizer", "learning_rate_too_low", "poor_initialization")),
    "unstable": (1, ("learning_rate_too_high",)),
}


def ask(case: Case) -> Answer:
    run = case.run
    name = next((name for name in ACCURACIES if name in run.epochs), None)
    if name is None or "loss" not in run.epochs:
        return could_not_run("needs the accuracy of every epoch: it judges classification only")
    features: set[str] = set()
    with np.errstate(all="ignore"):
        for done in range(1, len(run.epochs["loss"]) + 1, CHECK_GAP):
            step = int(run.epochs["loss"].steps[done - 1])
            features |= {*_outputs(run, step), *_pairing(run), *_gradients(run, step)}
            features |= set(_curves(run, name, done))
            if issues := list(_issues(features)):
                issue = max(issues, key=lambda issue: ISSUES[issue][0])
                return answer([Remark(f"{issue} after epoch {done}", ISSUES[issue][1])])
    return answer([])


def _issues(features: set[str]) -> Iterator[str]:
    """The if-chain of judge_issue."""
    if "abnormal_output" in features:
        yield "abnormal_data"
    if "abnormal_loss" in features:
        yield "loss_issue"
    elif "nan_loss" in features and "nan_gradient" in features:
        yield "explode"
    if features & {"not_converge", "slow"}:
        if "activation_output" in features:
            yield "activation_issue"
        elif "died_relu" in features:
            yield "relu"
        elif "explode_gradient" in features:
            yield "explode"
        elif "vanish_gradient" in features:
            yield "vanish"
        elif features >= {"not_converge", "slow"}:
            yield "not_converge"
    if "unstable" in features:
        yield "activation_issue" if "activation_output" in features else "unstable"
    if "improper_loss" in features and "activation_output" not in features:
        yield "loss_issue"


def _curves(run: Run, accuracy: str, done: int) -> Iterator[str]:
    def curve(name: str) -> np.ndarray:
        return run.epochs.get(f"val_{name}", run.epochs[name]).values[:done]

    losses = np.concatenate([run.epochs["loss"].values[:done], curve("loss")])
    train, validation = run.epochs[accuracy].values[:done], curve(accuracy)
    if not np.isfinite(losses).all() or np.max(losses) >= LARGE_LOSS:
        yield "nan_loss"
        return
    if np.min(losses) < 0:
        yield "abnormal_loss"
    planned = (run.card.epochs if run.card else None) or len(run.epochs["loss"])
    if done < max(2, JUDGEMENT * planned):
        return
    if _swings(train) >= SWING_SHARE * len(train):
        yield "unstable"
    if max(np.max(train), np.max(validation)) < SATISFIED:
        yield "not_converge"
    if max(np.max(np.diff(train)), np.max(np.diff(validation), initial=0)) < SLOW_STEP:
        yield "slow"


def _swings(accuracy: np.ndarray) -> int:
    """Pairs of a local maximum and a local minimum, in order of appearance, at least SWING apart."""
    middle, left, right = accuracy[1:-1], accuracy[:-2], accuracy[2:]
    high, low = middle[(middle >= left) & (middle >= right)], middle[(middle <= left) & (middle <= right)]
    pairs = min(len(high), len(low))
    return int(np.sum(high[:pairs] - low[:pairs] >= SWING))


def _gradients(run: Run, step: int) -> Iterator[str]:
    every = variables(run)
    at = _newest(every, step)
    if at is None or not (every.has("gradient_norm") and every.has("gradient_zero_share")):
        return
    if every.has("gradient_nonfinite") and (every.column("gradient_nonfinite")[at] > 0).any():
        yield "nan_gradient"
        return
    norms = kernels(run).column("gradient_norm")[at]
    norms = norms[np.isfinite(norms)]
    if not len(norms):
        return
    if norms[0] / norms[-1] < VANISHING_RATIO and norms[0] < VANISHING_NORM:
        yield "vanish_gradient"
    if norms[0] / norms[-1] > EXPLODING_RATIO:
        yield "explode_gradient"
    shares, sizes = every.column("gradient_zero_share")[at], np.array([_size(run, row) for row in every.rows])
    known = np.isfinite(shares)
    if known.any() and np.average(shares[known], weights=sizes[known]) >= ZERO_SHARE:
        yield "died_relu"


def _outputs(run: Run, step: int) -> Iterator[str]:
    table = run.layers and run.layers.of_kind("output")
    at = _newest(table, step)
    if at is not None and table.rows and table.has("activation_mean"):
        means = np.abs(table.column("activation_mean")[at])
        layer = run.card.layer(table.rows[-1].layer) if run.card else None
        total = means[-1] * ((layer and layer.units) or 1)
        largest = table.cell(table.rows[-1].name, "activation_max_abs")[at] if table.has("activation_max_abs") else 0
        if total > LARGE_OUTPUT or largest > LARGE_OUTPUT:
            yield "activation_output"
        elif (means[:-1] >= ABNORMAL_MEAN).any():
            yield "abnormal_output"
    inputs = run.data and run.data.of_kind("input")
    if inputs and inputs.has("mean") and (np.abs(inputs.column("mean")[0]) >= ABNORMAL_MEAN).any():
        yield "abnormal_output"


def _pairing(run: Run) -> Iterator[str]:
    """Its string rules for the loss and the last activation."""
    last = run.card.layers[-1] if run.card and run.card.layers else None
    loss = str(run.card.loss.get("name", "")).lower() if run.card else ""
    if last is None or not loss:
        return
    if "binary" in loss and last.units == 1:
        proper = "sigmoid"
    elif "categorical" in loss and (last.units or 0) > 1:
        proper = "softmax"
    else:
        yield "improper_loss"
        return
    if last.activation != proper:
        yield "activation_output"


def _newest(table: Table | Series | None, step: int) -> int | None:
    """Index of the newest record at or before the step."""
    if table is None:
        return None
    before = np.flatnonzero(table.steps <= step)
    return int(before[-1]) if len(before) else None


def _size(run: Run, row: Row) -> int:
    """Elements of a variable, from the layer's own count: a bias has one per unit, a kernel the rest."""
    layer = run.card.layer(row.layer) if run.card else None
    if layer is None or not layer.units or layer.parameters <= layer.units:
        return 1
    return layer.parameters - layer.units if row.name.endswith("kernel") else layer.units

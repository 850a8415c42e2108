"""What should the user change about the step? Learning rate, clipping, batch and precision, with a number to try."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import learning_rate, optimizer_name, planned_steps, usual_limit
from tb_lossdiag.diagnosis.snippets import compile_line, loss_code, optimizer_code, rounded

# The update ratio a training usually runs at; steps are scaled towards it.
TARGET_RATIO = 1e-3
DEFAULT_RATES = {"SGD": 0.01, "Adagrad": 0.01, "Adadelta": 1.0}


def lower_learning_rate(f: Findings) -> Fix:
    rate, early = learning_rate(f.run), f.checks["update_ratio"].sign("early", 0.0) or 0.0
    if rate is None:
        wanted, told = DEFAULT_RATES.get(optimizer_name(f.run), 1e-3), ""
    else:
        # One step says what to aim at, but not more than two decades away from what was tried.
        factor = TARGET_RATIO / early if early > 0 else 0.1
        wanted, told = rate * min(0.1, max(factor, 0.01)), f" from {rate:g}"
    return Fix(f"Lower the learning rate{told} to about {rounded(wanted)}.", compile_line(f.run, wanted))


def raise_learning_rate(f: Findings) -> Fix:
    rate, late = learning_rate(f.run), f.checks["update_ratio"].sign("late", 0.0) or 0.0
    if rate is None:
        wanted, told = DEFAULT_RATES.get(optimizer_name(f.run), 1e-3), ""
    else:
        factor = min(max(TARGET_RATIO / late, 10), 1000) if late > 0 else 10
        wanted, told = max(rate * 3, min(rate * factor, usual_limit(f.run))), f" from {rate:g}"
    return Fix(f"Raise the learning rate{told} to about {rounded(wanted)}.", compile_line(f.run, wanted))


def set_learning_rate(f: Findings) -> Fix:
    wanted = DEFAULT_RATES.get(optimizer_name(f.run), 1e-3)
    return Fix(
        "Give the optimizer a learning rate above 0, or end the schedule later.",
        compile_line(f.run, wanted),
    )


def switch_optimizer(f: Findings) -> Fix:
    return Fix(
        "Use an optimizer that scales each weight's step by itself, or give this one momentum.",
        f"model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001), loss={loss_code(f.run)})",
    )


def apply_updates(f: Findings) -> Fix:
    return Fix(
        "Apply the gradients to the variables of this model.",
        "optimizer.apply_gradients(zip(gradients, model.trainable_variables))",
    )


def train_longer(f: Findings) -> Fix:
    epochs = f.run.card.epochs if f.run.card else None
    rate = learning_rate(f.run)
    return Fix(
        "The loss was still falling: train longer"
        + (f", or raise the learning rate from {rate:g} to {rounded(rate * 3)}." if rate else "."),
        f"model.fit(..., epochs={(epochs or 10) * 5})",
    )


def loosen_clipping(f: Findings) -> Fix:
    """Near the 90th percentile of the unclipped norms, as Google's tuning playbook advises."""
    norm = f.run.steps.get("gradient_norm")
    sizes = norm.values[np.isfinite(norm.values) & (norm.values > 0)] if norm is not None else np.array([])
    wanted = rounded(float(np.percentile(sizes, 90))) if len(sizes) else "1"
    return Fix(
        f"Clip only what sticks out: 90 % of the recorded gradient norms are below {wanted}.",
        compile_line(f.run, extra=f"global_clipnorm={wanted}"),
    )


def shrink_epsilon(f: Findings) -> Fix:
    return Fix(
        "Bring epsilon far below the size of the gradients, or the loss up to a usual scale.",
        compile_line(f.run, extra="epsilon=1e-07"),
    )


def raise_precision(f: Findings) -> Fix:
    if f.run.card and "mixed" in f.run.card.precision:
        return Fix(
            "Scale the loss so that small gradients survive float16.",
            f"optimizer = keras.optimizers.LossScaleOptimizer({optimizer_code(f.run)})\n"
            f"model.compile(optimizer=optimizer, loss={loss_code(f.run)})",
        )
    return Fix(
        "Keep the weights in float32 and let only the arithmetic be short; set this before the model is built.",
        "keras.config.set_dtype_policy('mixed_bfloat16')",
    )


def decay_rate(f: Findings) -> Fix:
    rate, steps = learning_rate(f.run) or 1e-3, planned_steps(f.run) or f.run.last_step or 1000
    return Fix(
        "Let the learning rate decay, or take larger batches: both make the steps less noisy at the end.",
        f"rate = keras.optimizers.schedules.CosineDecay({rate:g}, decay_steps={steps})\n"
        f"model.compile(optimizer={optimizer_code(f.run, 'rate')}, loss={loss_code(f.run)})",
    )


def rebatch(f: Findings) -> Fix:
    level = f.checks["update_count"].sign("level")
    text = {
        "full_batch": "Take smaller batches: the weights then move many times in each epoch.",
        "single": "Take larger batches: one or two examples say little about where to go.",
    }.get(level, "Take batches of a usual size.")
    return Fix(text, "model.fit(..., batch_size=32)")

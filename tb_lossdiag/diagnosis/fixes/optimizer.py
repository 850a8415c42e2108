"""What should the user change about the step? Learning rate, clipping, batch and precision, with a number to try."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, framework_of, is_on_tensorflow, is_torch
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.schedules import PLATEAU, rate_setter
from tb_lossdiag.diagnosis.settings import learning_rate, optimizer_name, planned_steps, usual_limit
from tb_lossdiag.diagnosis.snippets import (
    compile_line,
    ends,
    fit_line,
    joined,
    kept_loss,
    optimizer_code,
    recompiled,
    rounded,
    trained_by,
)
from tb_lossdiag.diagnosis.stopping import STOPPING, early_stopping
from tb_lossdiag.diagnosis.surgery import can_be_rebuilt, copied
from tb_lossdiag.diagnosis.symptoms.clipping import norms_before
from tb_lossdiag.run import Run, finite

# The update ratio a training usually runs at; steps are scaled towards it.
TARGET_RATIO = 1e-3
DEFAULT_RATES = {"SGD": 0.01, "Adagrad": 0.01, "Adadelta": 1.0}
# Of the highest rate: what a plateau's cuts should end at.
FLOOR = 0.01
# A plateau that is watched for so long, against gains of so little, is one.
PATIENCE, MIN_DELTA = 10, 1e-4


def lower_learning_rate(f: Findings) -> Fix:
    rate, early = learning_rate(f.run), f.checks["update_ratio"].sign("early", 0.0) or 0.0
    if rate is None:
        wanted, told = _default_rate(f.run), ""
    else:
        # One step says what to aim at, but not more than two decades away from what was tried.
        factor = TARGET_RATIO / early if early > 0 else 0.1
        wanted, told = rate * min(0.1, max(factor, 0.01)), f" from {rate:g}"
    return Fix(f"Lower the learning rate{told} to about {rounded(wanted)}.{_by_whom(f.run)}", _at_rate(f.run, wanted))


def raise_learning_rate(f: Findings) -> Fix:
    rate, late = learning_rate(f.run), f.checks["update_ratio"].sign("late", 0.0) or 0.0
    if rate is None:
        wanted, told = _default_rate(f.run), ""
    else:
        factor = min(max(TARGET_RATIO / late, 10), 1000) if late > 0 else 10
        wanted, told = max(rate * 3, min(rate * factor, usual_limit(f.run))), f" from {rate:g}"
    return Fix(f"Raise the learning rate{told} to about {rounded(wanted)}.{_by_whom(f.run)}", _at_rate(f.run, wanted))


def set_learning_rate(f: Findings) -> Fix:
    """As high as it was before it was taken to nothing."""
    setter, wanted = rate_setter(f.run), learning_rate(f.run) or _default_rate(f.run)
    if setter is None:
        return Fix(
            "Give the optimizer a learning rate above 0, or end the schedule later.", compile_line(f.run, wanted)
        )
    name, config = setter
    if name == PLATEAU:
        return Fix(
            f"{name} took the learning rate to nothing{_as_told(config)}: let it wait longer, take smaller gains for "
            "gains, and stop at a floor.",
            _patient(f.run, config, wanted) if framework_of(f.run) is Framework.KERAS_FIT else "",
        )
    text = f"{name} took the learning rate to nothing: let it take longer, or leave it out."
    return Fix(text, _at_rate(f.run, wanted))


def _default_rate(run: Run) -> float:
    return DEFAULT_RATES.get(optimizer_name(run), 1e-3)


def _at_rate(run: Run, wanted: float) -> str:
    """What trains at this rate: an optimizer with it, or a callback, where one would set another."""
    setter = rate_setter(run)
    if setter is None or framework_of(run) is not Framework.KERAS_FIT:
        return compile_line(run, wanted)
    if setter[0] == PLATEAU:
        return joined(compile_line(run, wanted), _patient(run, setter[1], wanted))
    held = f"keras.callbacks.LearningRateScheduler(lambda epoch, rate: {rounded(wanted)})"
    return fit_line(run, callbacks=f"[{held}]")


def _by_whom(run: Run) -> str:
    setter = rate_setter(run)
    return f" {setter[0]} sets it." if setter is not None else ""


def _as_told(config: Mapping[str, Any]) -> str:
    known = [(name, finite(config.get(name))) for name in ("patience", "min_delta", "factor")]
    told = [f"{name}={number:g}" for name, number in known if number]
    return f" ({', '.join(told)})" if told else ""


def _patient(run: Run, config: Mapping[str, Any], rate: float) -> str:
    """ReduceLROnPlateau with arguments that leave something of the rate."""
    monitor = config.get("monitor")
    arguments = [
        repr(monitor if isinstance(monitor, str) else "loss"),
        "factor=0.5",
        f"patience={int(max(PATIENCE, finite(config.get('patience')) or 0))}",
        f"min_delta={MIN_DELTA:g}",
        f"min_lr={rounded(rate * FLOOR)}",
    ]
    return fit_line(run, callbacks=f"[keras.callbacks.{PLATEAU}({', '.join(arguments)})]")


def switch_optimizer(f: Findings) -> Fix:
    text = "Use an optimizer that scales each weight's step by itself, or give this one momentum."
    adam = "keras.optimizers.Adam(learning_rate=0.001)"
    return Fix(text, trained_by(f.run, adam))


def apply_updates(f: Findings) -> Fix:
    saved = finite(_config(f.run).get("gradient_accumulation_steps"))
    if saved and saved > f.run.last_step:
        return Fix(
            f"Gradients are added up for {saved:g} steps before they are applied, and the run has {f.run.last_step}: "
            "apply them sooner.",
            compile_line(f.run),
        )
    text = "Apply the gradients to the variables of this model."
    if framework_of(f.run) is Framework.KERAS_FIT:
        model = f"keras.Model({ends(f.run, 'inputs')}, {ends(f.run, 'outputs')})"
        plain = f"model = {model}  # the same layers with Keras's own train_step"
        return Fix(text, joined(kept_loss(f.run), plain, recompiled(f.run)) if can_be_rebuilt(f.run) else "")
    return Fix(
        text,
        "with tf.GradientTape() as tape:\n"
        "    loss = loss_fn(y, model(x, training=True))\n"
        "gradients = tape.gradient(loss, model.trainable_variables)\n"
        "optimizer.apply_gradients(zip(gradients, model.trainable_variables))"
        if is_on_tensorflow(f.run)
        else "",
    )


def train_longer(f: Findings) -> Fix:
    epochs = f.run.card.epochs if f.run.card else None
    rate = learning_rate(f.run)
    return Fix(
        "The loss was still falling: train longer"
        + (f", or raise the learning rate from {rate:g} to {rounded(rate * 3)}." if rate else "."),
        fit_line(f.run, epochs=str((epochs or 10) * 5)) if framework_of(f.run) is Framework.KERAS_FIT else "",
    )


def stop_later(f: Findings) -> Fix:
    config = early_stopping(f.run) or {}
    monitor = config.get("monitor")
    text = f"Let {STOPPING} choose the direction itself, with mode='auto', and count every gain, with min_delta=0."
    if framework_of(f.run) is not Framework.KERAS_FIT:
        return Fix(text)
    arguments = f"{monitor if isinstance(monitor, str) else 'loss'!r}, patience={PATIENCE}, restore_best_weights=True"
    return Fix(text, fit_line(f.run, callbacks=f"[keras.callbacks.{STOPPING}({arguments})]"))


def loosen_clipping(f: Findings) -> Fix:
    """Near the 90th percentile of the unclipped norms, as Google's tuning playbook advises."""
    if f.checks["clipping"].sign("level") == "one_length":
        return Fix("Leave the clipping out of the loop, or clip at a norm of 1.")
    norms = norms_before(f.run)
    sizes = norms[norms > 0]
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
        text = "Scale the loss so that small gradients survive float16."
        scaled = f"keras.optimizers.LossScaleOptimizer({optimizer_code(f.run)})"
        return Fix(text, trained_by(f.run, scaled))
    text = "Keep the weights in float32 and let only the arithmetic be short."
    if not can_be_rebuilt(f.run):
        return Fix(text)
    return Fix(
        text,
        joined(
            kept_loss(f.run),
            "def in_float32(layer):\n"
            "    return type(layer).from_config(layer.get_config() | {'dtype': 'float32'})\n\n"
            "keras.config.set_dtype_policy('float32')\n"
            "weights = [weight.astype('float32') for weight in model.get_weights()]",
            copied(f.run, "in_float32"),
            "model.set_weights(weights)",
            recompiled(f.run),
        ),
    )


def decay_rate(f: Findings) -> Fix:
    rate, steps = learning_rate(f.run) or 1e-3, planned_steps(f.run) or f.run.last_step or 1000
    decaying = f"keras.optimizers.schedules.CosineDecay({rate:g}, decay_steps={steps})"
    trained = trained_by(f.run, optimizer_code(f.run, "rate"))
    return Fix(
        "Let the learning rate decay, or take larger batches: both make the steps less noisy at the end.",
        joined(f"rate = {decaying}" if trained else "", trained),
    )


def rebatch(f: Findings) -> Fix:
    level = f.checks["update_count"].sign("level")
    text = {
        "full_batch": "Take smaller batches: the weights then move many times in each epoch.",
        "single": "Take larger batches: one or two examples say little about where to go.",
    }.get(level, "Take batches of a usual size.")
    return Fix(text, fit_line(f.run, batch_size="32"))


def _config(run: Run) -> Mapping[str, Any]:
    config = run.card.optimizer.get("config") if run.card else None
    return config if isinstance(config, Mapping) else {}


def watch_the_right_way(f: Findings) -> Fix:
    """A plateau's callback that waits for a higher loss."""
    text = "Let what reduces the learning rate wait for a lower loss: mode='min', which is its default."
    if is_torch(f.run):
        return Fix(text, "scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode='min')")
    is_fit = framework_of(f.run) is Framework.KERAS_FIT
    return Fix(text, "keras.callbacks.ReduceLROnPlateau(mode='min')" if is_fit else "")

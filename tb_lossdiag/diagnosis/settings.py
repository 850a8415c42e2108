"""What do the user's own settings say by themselves? Sentences about the optimizer and the layer list, or None.

Each question takes a Run and answers with a sentence that can stand as evidence.
"""

from collections.abc import Mapping

import numpy as np

from tb_lossdiag.diagnosis.flow import heads_beside, is_passed_by
from tb_lossdiag.diagnosis.framework import Framework, framework_of
from tb_lossdiag.diagnosis.layer_kinds import LOOKUPS, NORMALISING, is_one_of, prepares_data
from tb_lossdiag.diagnosis.moving_statistics import left_of_start
from tb_lossdiag.diagnosis.players import plays_against_itself
from tb_lossdiag.run import LayerCard, Run, finite

# Usual learning rates end here: Keras's defaults are 1e-2 (SGD) and 1e-3 (adaptive), and momentum-free SGD takes more.
USUAL_RATE = {"SGD": 0.5, "Adagrad": 0.5, "Adadelta": 2.0}
USUAL_ADAPTIVE_RATE = 0.03
BOLD_RATE = 0.005
# Of the largest usual rate: 2e-6 for Adam, 4e-5 for SGD; nothing that starts anew is trained so.
TINY = 7e-5
# Of the moving statistics: with half of it still 0 and 1, evaluation sees another model (arithmetic).
AVERAGED = 0.5
# Fewer hidden units than this cannot bend a boundary around more than a few corners.
NARROW = 4
# ReLU layers this narrow die with a good chance even under He initialisation (Lu et al. 2019, arXiv 1903.06733).
NARROW_RELU = 8
# Whatever is wide before and after it, this many units pass on one or two numbers.
BOTTLENECK = 2
# An early stop or a partial last epoch leaves a little of the plan.
DONE = 0.98
SMALL_BATCH = 8
# Of their size: examples that differ by less are one, as far as float32 tells.
ALIKE = 1e-4
# So few rows a network of any size learns by heart, whatever is true of them; 100 rows hid a third of wrong labels.
FEW_ROWS = 100
ADAPTIVE = {"Adam", "AdamW", "Nadam", "Adamax", "RMSprop", "Lion", "Adafactor", "Lamb"}
RECURRENT = {"SimpleRNN", "LSTM", "GRU", "RNN", "Bidirectional"}
# A model that was trained before gives more right answers than wrong ones at once.
MOSTLY_RIGHT = 0.5
ATTENTION = {"MultiHeadAttention", "GroupedQueryAttention", "Attention"}
SIGMOID = {"sigmoid", "hard_sigmoid"}
SATURATING = SIGMOID | {"tanh", "softmax"}


def learning_rate(run: Run) -> float | None:
    """The largest learning rate applied, else the configured one."""
    series = run.steps.get("learning_rate")
    applied = series.values[np.isfinite(series.values)] if series is not None else ()
    return float(np.max(applied)) if len(applied) else _number(run, "learning_rate")


def momentum(run: Run) -> float | None:
    return _number(run, "momentum")


def optimizer_name(run: Run) -> str:
    return str(run.card.optimizer.get("name") or "") if run.card else ""


def usual_limit(run: Run) -> float:
    """The largest learning rate this optimizer usually takes."""
    return USUAL_RATE.get(optimizer_name(run), USUAL_ADAPTIVE_RATE)


def hidden_layers(run: Run) -> list[LayerCard]:
    """Layers whose weights mix what comes in, the output layers left out.

    What scales the data or brings them to a common scale has as many units as its input: it hides and narrows nothing.
    Of a model with several outputs the heads stand last. Of several networks that play against each other each has an
    output of its own, and nobody knows which layers those are.
    """
    layers = run.card.layers if run.card else ()
    weighted = [layer for layer in layers if layer.parameters and layer.units]
    mixing = [layer for layer in weighted if not (is_one_of(layer, NORMALISING) or prepares_data(layer))]
    beside = heads_beside(run.card, mixing[-1].path) if mixing else set()
    hidden = [layer for layer in mixing if layer.path not in beside and not _is_head(run, layer, mixing)]
    return [] if plays_against_itself(run) else hidden


def _is_head(run: Run, layer: LayerCard, layers: list[LayerCard]) -> bool:
    """Whether an output comes from it: by its name, or where none has that, narrow and among as many as there are."""
    names = [row.own_name for row in run.data.of_kind("prediction").rows] if run.data is not None else []
    heads = {name for name in names if run.card.layer(name) in layers}
    if len(heads) > 1:
        return layer.path in heads
    return layer == layers[-1] or (layer in layers[-max(len(names), 1) :] and layer.units <= NARROW)


def saturating_layers(run: Run) -> list[LayerCard]:
    """Layers with an activation that flattens, and bare activations among them, in front of the output layer."""
    layers = run.card.layers if run.card else ()
    last = max((at for at, layer in enumerate(layers) if layer.parameters), default=0)
    return [layer for layer in layers[:last] if layer.activation in SATURATING]


def inputs_vary(run: Run) -> str | None:
    """That the examples of a batch were seen to differ in an input."""
    inputs = run.data.of_kind("input") if run.data is not None else None
    looks_up_all = run.card is not None and any(is_one_of(layer, LOOKUPS) for layer in run.card.layers[:2])
    if inputs is None or not inputs.rows or not inputs.has("diversity") or looks_up_all:
        return None  # numbers below 1 are all the same id
    spread = inputs.column("diversity").astype(np.float64)
    known = spread[np.isfinite(spread)]
    widest = float(known.max()) if len(known) else 0.0
    return f"The examples of a batch differ by {widest:.2g} of their size." if widest > ALIKE else None


def rate_is_zero(run: Run) -> str | None:
    return "The learning rate that was applied is 0." if learning_rate(run) == 0 else None


def rate_is_unusual(run: Run) -> str | None:
    rate, name, usual = learning_rate(run), optimizer_name(run), usual_limit(run)
    if not rate or rate <= usual:
        return None
    return f"A learning rate of {rate:g} is far above what {name or 'an optimizer'} usually takes (up to {usual:g})."


def rate_is_tiny(run: Run) -> str | None:
    rate, name = learning_rate(run), optimizer_name(run)
    usual = TINY * (usual_limit(run) if name in USUAL_RATE else USUAL_ADAPTIVE_RATE)
    return (
        f"A learning rate of {rate:g} is far below what {name or 'an optimizer'} takes."
        if rate and rate <= usual
        else None
    )


def rate_is_usual(run: Run) -> str | None:
    rate = learning_rate(run)
    if not rate or rate_is_unusual(run):
        return None
    return f"A learning rate of {rate:g} is within what {optimizer_name(run) or 'an optimizer'} usually takes."


def adapts_nothing(run: Run) -> str | None:
    name = optimizer_name(run)
    if name not in ("SGD", "Adagrad", "Adadelta") or momentum(run):
        return None
    return f"{name} without momentum takes one step size for all weights."


def attends(run: Run) -> str | None:
    layer = next((layer for layer in (run.card.layers if run.card else ()) if layer.kind in ATTENTION), None)
    return (
        f"{layer.path!r} is a layer of a transformer, which is trained with Adam nearly everywhere." if layer else None
    )


def looks_up(run: Run) -> str | None:
    """What an id stands for is learned when the id comes, which may be as rare as a row."""
    layers = run.card.layers if run.card else ()
    layer = next((layer for layer in layers if is_one_of(layer, LOOKUPS) and layer.parameters), None)
    return f"{layer.path!r} learns each id by itself, however much ids have in common." if layer else None


def recurs(run: Run) -> str | None:
    layer = next((layer for layer in (run.card.layers if run.card else ()) if layer.kind in RECURRENT), None)
    return f"{layer.path!r} multiplies by the same weights at every time step." if layer else None


def recurs_through_sigmoids(run: Run) -> str | None:
    layers = run.card.layers if run.card else ()
    layer = next((layer for layer in layers if layer.kind == "SimpleRNN" and layer.activation in SIGMOID), None)
    if layer is None:
        return None
    return f"{layer.path!r} passes its state through a sigmoid at every time step: at most a quarter of the gradient."


def clips_nothing(run: Run) -> str | None:
    config = _config(run)
    if framework_of(run) is not Framework.KERAS_FIT:
        return None  # a loop clips by hand
    clips = any(config.get(name) for name in ("clipnorm", "global_clipnorm", "clipvalue"))
    return "The optimizer does not clip gradients." if config and not clips else None


def is_narrow(run: Run) -> str | None:
    if run.card is None or not any(layer.parameters and layer.units for layer in run.card.layers):
        return None
    hidden = hidden_layers(run)
    if not hidden and plays_against_itself(run):
        return None
    if not hidden:
        return "The model has no hidden layer: it can only draw a straight line."
    narrowest = min(hidden, key=lambda layer: layer.units)
    if narrowest.units > NARROW:
        return None
    return f"The narrowest hidden layer, {narrowest.path!r}, has {narrowest.units} units."


def hides_sigmoids(run: Run) -> str | None:
    hidden = [layer for layer in (run.card.layers[:-1] if run.card else ()) if layer.kind not in RECURRENT]
    squeezed = [layer.path for layer in hidden if layer.activation == "softmax" and layer.parameters]
    if squeezed:
        return f"{squeezed[0]!r}: a softmax in a hidden layer makes its units share 1, so each says next to nothing."
    names = [layer.path for layer in hidden if layer.activation in SIGMOID]
    if not names:
        return None
    told = ", ".join(repr(name) for name in names[:3])
    return f"{told}: a sigmoid in a hidden layer passes at most a quarter of the gradient and shifts the mean."


def has_narrow_relu(run: Run) -> str | None:
    layers = run.card.layers if run.card else ()
    narrow = [layer for layer in layers if layer.activation == "relu" and layer.units and layer.units <= NARROW_RELU]
    return f"{narrow[0].path!r} has {narrow[0].units} ReLU units; narrow ReLU layers die easily." if narrow else None


def is_mostly_frozen(run: Run) -> str | None:
    if run.card is None or run.card.trainable_parameters >= run.card.parameters / 2:
        return None
    return f"{run.card.trainable_parameters} of {run.card.parameters} parameters can change."


def is_bottleneck(run: Run) -> str | None:
    """One or two units, which no other width around them can make up for: no other way leads around them."""
    narrow = (layer for layer in hidden_layers(run) if layer.units <= BOTTLENECK)
    narrowest = next((layer for layer in narrow if not is_passed_by(run.card, layer.path)), None)
    if narrowest is None:
        return None
    return f"Everything must pass through {narrowest.path!r}, which has {narrowest.units} units."


def planned_steps(run: Run) -> int | None:
    """How many steps fit was asked for; None when it does not say."""
    card = run.card
    return card.epochs * card.steps_per_epoch if card and card.epochs and card.steps_per_epoch else None


def ran_as_planned(run: Run) -> str | None:
    """A loop does not say what it plans: what it has done when its recording is closed is all that it meant to do."""
    planned = planned_steps(run)
    if not planned:
        return f"The training is over, after {run.last_step} steps." if run.ended else None
    if run.last_step < DONE * planned:
        return None
    return f"The training ended as planned, after {run.last_step} steps in {run.card.epochs} epochs."


def adapts(run: Run) -> str | None:
    name = optimizer_name(run)
    return f"{name} scales every weight's step by itself, however small its gradient." if name in ADAPTIVE else None


def rate_is_constant(run: Run) -> str | None:
    series = run.steps.get("learning_rate")
    values = series.values[np.isfinite(series.values)] if series is not None else np.array([])
    if not len(values) or values.min() <= 0 or values.max() / 1.5 > values.min():
        return None
    return f"The learning rate stayed at {values[-1]:g} to the end."


def small_batch(run: Run) -> str | None:
    size = run.card.batch_size if run.card else None
    return f"Each step sees {size} examples." if size and size <= SMALL_BATCH else None


def has_few_rows(run: Run) -> str | None:
    size, steps = run.card.batch_size if run.card else None, steps_per_epoch(run)
    if not size or not steps or size * (steps - 1) >= FEW_ROWS:
        return None
    return f"An epoch is {steps} batches of {size}: too few rows to tell wrong labels from labels learned by heart."


def checks_few_rows_by_nothing(run: Run) -> str | None:
    """Whether the whole data are a few batches, and no validation loss is logged."""
    few = has_few_rows(run)
    if few is None or "val_loss" in run.epochs:
        return None
    return f"{few} No validation loss says how the model does on others."


def averages_lag(run: Run) -> str | None:
    """Whether half or more of a BatchNormalization's moving statistics is what they began with."""
    layers = [one for one in (run.card.layers if run.card else ()) if "BatchNorm" in one.kind and one.trainable]
    told = [one for one in layers if one.number("momentum") is not None]
    left, path = left_of_start(told, run.last_step)
    if run.step_unit != "step" or not ran_as_planned(run) or not AVERAGED <= left < 1:
        return None
    momentum = next(one.number("momentum") for one in told if one.path == path)
    return (
        f"{path!r} has a momentum of {momentum:g}: after {run.last_step} steps {left:.0%} of its moving statistics "
        "is what they began with, and evaluation uses those."
    )


def steps_per_epoch(run: Run) -> int | None:
    """As planned, else as the epochs came."""
    if run.card is not None and run.card.steps_per_epoch:
        return run.card.steps_per_epoch
    told = next(iter(run.epochs.values()), None)
    if told is None or run.step_unit != "step" or len(told.steps) < 2:
        return None
    return int(np.median(np.diff(told.steps))) or None


def low_precision(run: Run) -> str | None:
    if run.card is None:
        return None
    dtype = str(run.card.settings.get("variable_dtype") or run.card.precision)
    return f"The weights or gradients are {dtype}." if "16" in dtype else None


def began_wrong(run: Run) -> str | None:
    """The accuracy of the first epoch, where most answers were wrong."""
    found = next((s for name, s in run.epochs.items() if name.endswith("accuracy") and name[:4] != "val_"), None)
    if found is None or not len(found) or not found.values[0] < MOSTLY_RIGHT:
        return None
    return f"In the first epoch {found.values[0]:.0%} of the answers were right."


def half_weights(run: Run) -> str | None:
    if run.card is None or str(run.card.settings.get("variable_dtype") or run.card.precision) != "float16":
        return None
    return "The weights are float16, where the square of a gradient below 2e-4 is 0 and one above 256 is infinite."


def _config(run: Run) -> dict:
    config = run.card.optimizer.get("config") if run.card else None
    return dict(config) if isinstance(config, Mapping) else {}


def _number(run: Run, name: str) -> float | None:
    """A number of the optimizer's configuration; None for a schedule, or when it is not there."""
    return finite(_config(run).get(name))


def swaps_arguments(run: Run) -> str | None:
    """Whether a loss was given the model's output as the target; the recording names only losses that care."""
    name = run.card.settings.get("swapped_arguments") if run.card is not None else None
    if not isinstance(name, str) or not name:
        return None
    return f"{name} was given the model's output where the target belongs, and the target as the prediction."


def aligns_labels(run: Run) -> str | None:
    """Whether the loss is a connectionist temporal classification."""
    name = str(run.card.loss.get("name") or "") if run.card is not None else ""
    return f"{name} is infinite for a label that does not fit into its output." if "CTC" in name.upper() else None


def normalizes_batches(run: Run) -> str | None:
    layers = run.card.layers if run.card is not None else ()
    one = next((layer for layer in layers if layer.kind.startswith("BatchNorm") and layer.trainable), None)
    return f"{one.path!r} subtracts the mean of its batch." if one is not None else None


def rate_is_bold(run: Run) -> str | None:
    """Several times what an optimizer that scales its steps takes by default; deep models seldom stand it."""
    rate, name = learning_rate(run), optimizer_name(run)
    if not rate or usual_limit(run) != USUAL_ADAPTIVE_RATE or rate < BOLD_RATE:
        return None
    return f"A learning rate of {rate:g} is several times what {name or 'an optimizer'} takes by default (0.001)."

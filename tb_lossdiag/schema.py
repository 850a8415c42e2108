"""What is in the event files: plugin name, tags, column names, format version, encode and decode.

This is the only file that spells any of them. Writer and reader meet here and nowhere else.

Everything of one training lies in one TensorBoard run, `<log_dir>/diagnostics`:

| tag        | value per record           | written                                                     |
|------------|----------------------------|-------------------------------------------------------------|
| CARD       | JSON object                | at the first recorded step, before any other tag            |
| STEPS      | float32 [columns]          | every recorded step; between samples loss, rate and scale   |
| LAYERS     | float32 [rows, columns]    | sampled steps; one row per variable and per layer output    |
| DATA       | float32 [rows, columns]    | sampled steps; inputs, targets, predictions and loss terms  |
| TARGETS    | float32 [outputs, columns] | sampled steps; a class or an output unit per row            |
| HISTOGRAMS | float16 [lines, buckets]   | a tenth of the sampled steps; see below                     |
| EPOCHS     | JSON object                | each epoch end: {"epoch": 0, "loss": ..., "val_loss": ...}  |
| EVENTS     | JSON object                | rarely; {"kind": ..., "step": ...}, see EVENT_KINDS         |
| END        | JSON object                | when the writer is closed; see below                        |

A step is the 1-based number of the training step (batch) it describes, as in Keras's own batch summaries.
Events of one step are filed at consecutive steps, as TensorBoard keeps one record per step and tag; "step" is true.
A tensor is bare: the card's "columns" and "rows" name its axes, so columns can be appended without breaking old logs.
A cell that does not apply to its row (a gradient norm of a layer output) or was not recorded is NaN; see `applies`.

A line of HISTOGRAMS is one quantity of one row of the card, in the order of `histogram_lines`. It has the shares of the
values in each bucket of `histogram_edges`; NaN and Inf elements are in none, so a line sums to 1 less their share. Of a
large tensor the shares are those of some thousand values. A line that was not measured is NaN. Readers that do not know
the tag pass it over, so it came without a new version.

END is {"first": step, "records": {tag: how many}}: what one writer wrote, from which step on.

A writer that goes on in a directory first writes to every tag but CARD and EVENTS, at its first step, a record that
holds nothing: a tensor of shape [0], or {}. With it, and its "restart" event, whatever an earlier writer had recorded
at that step and later is overwritten by order of arrival alone, whatever the clocks say. Such an event has "cleared";
in older logs, where it has not, wall times have to tell what was overwritten.
"""

import json
from collections.abc import Mapping, Sequence

import numpy as np

PLUGIN_NAME = "lossdiag"
RUN_DIRECTORY = "diagnostics"
VERSION = 1

CARD = "lossdiag/card"
STEPS = "lossdiag/steps"
LAYERS = "lossdiag/layers"
DATA = "lossdiag/data"
TARGETS = "lossdiag/targets"
HISTOGRAMS = "lossdiag/histograms"
EPOCHS = "lossdiag/epochs"
EVENTS = "lossdiag/events"
END = "lossdiag/end"

JSON_TAGS = (CARD, EPOCHS, EVENTS, END)
TENSOR_TAGS = (STEPS, LAYERS, DATA, TARGETS, HISTOGRAMS)

MAX_STEP = 2**53 - 1  # the largest that a page holds exactly; what is added to it still has the 64 bits of a step
MAX_DIGITS = 100  # of an integer in JSON; what has more is out of every range, however many there are
MAX_TEXT_BYTES = 16 << 20  # of one JSON text; the card of a model of 10,000 layers has 5 million

STEP_COLUMNS = (
    "sequence",  # how many STEPS records the writer had written, this one included
    "layer_sequence",  # how many LAYERS records the writer had written; NaN where this step has none
    "loss",  # the batch's own loss, penalties included, not Keras's running epoch mean
    "penalty",  # the part of it that comes from regularisation losses
    "learning_rate",  # as applied in this step, schedules included; of several optimizers the one with most weights
    "gradient_norm",  # L2 over all trainable variables, unscaled, before clipping
    "update_norm",  # L2 of w_new - w_old over all trainable variables
    "weight_norm",  # L2 of w_old over all trainable variables
    "gradient_nonfinite",  # NaN and Inf elements over all gradients
    "clip_factor",  # gradient norm after clipping / before, by a Keras optimizer or a torch loop; NaN where unknown
    "loss_scale",  # by which a LossScaleOptimizer had multiplied this step's loss; NaN without one
    "gradient_agreement",  # cosine of the two half batches' gradients at the output layer's kernel, where that is known
    "gradient_carried",  # L2 of what the gradients held when the step's first backward pass began; 0 when cleared
    "evaluation_loss",  # the batch's own loss by an evaluation-mode pass at the weights before the update
    "training_mode",  # 1 where the model was called in training mode in this step, 0 where it was not
)

COUNTED_COLUMNS = ("sequence", "layer_sequence")  # the writer's own; the others are the training's

# Column -> kind of row it applies to.
LAYER_COLUMNS = {
    "gradient_norm": "variable",
    "gradient_mean_abs": "variable",
    "gradient_max_abs": "variable",
    "gradient_zero_share": "variable",  # share of elements exactly 0
    "gradient_nonfinite": "variable",  # count
    "weight_norm": "variable",  # before the update
    "update_norm": "variable",  # ||w_new - w_old||
    "update_ratio": "variable",  # ||w_new - w_old|| / ||w_old||
    "unchanged_share": "variable",  # share of elements with a gradient where w_new is w_old; NaN in a nonfinite step
    "activation_mean": "output",
    "activation_std": "output",
    "activation_max_abs": "output",
    "activation_zero_share": "output",  # share of elements exactly 0
    "activation_dead_share": "output",  # share of units with no output above 0 in the whole batch; ReLU-like only
    "activation_silent_share": "output",  # that, in each of the last samples (silence.WINDOW of them); ReLU-like only
    "activation_saturated_share": "output",  # share of elements in the outer 5 % of a bounded activation's range
    "activation_nonfinite": "output",  # count
    "activation_unit_std": "output",  # std over the batch, averaged over units: 0 when the layer ignores its input
}

DATA_COLUMNS = (
    "min",
    "max",
    "mean",
    "std",
    "nonfinite",  # count
    "feature_std_min",  # smallest non-zero std of a feature (last axis) over the batch
    "feature_std_max",
    "feature_mean_max",  # largest |mean| of a feature over the batch
    "diversity",  # std over the batch, averaged over features, divided by mean |value|
    "out_of_range",  # integer class labels outside 0 .. classes-1; targets only, else NaN
    "majority_share",  # share of the most frequent predicted class; predictions under a cross-entropy only
    "extreme_share",  # share of elements within 1e-6 of 0 or 1; predictions that all lie in 0 .. 1 only
    # Of a prediction whose loss can be called again, that loss …
    "loss",  # of the outputs as they are, with the step's sample weights and masks
    "loss_shuffled",  # of outputs dealt to other examples, mean over permutations of the batch
    "loss_shuffled_change",  # largest relative difference of one permutation's loss from "loss"; 0: it cannot tell
    "loss_constant",  # of the best constant output found for this batch
    "loss_least",  # of outputs equal to the targets, where both have one shape: what a perfect model would score
    # Of a loss term, or of the loss that comes by way of a prediction, as it counts in the sum: L2 of its own gradient
    # at the weights that several of them share. With the histograms.
    "gradient_norm",
)

TARGET_COLUMNS = (
    "mean",  # of integer class labels: the share of each class in the batch
    "std",
    "mean_abs_deviation",  # around the batch median
)

# Quantity -> kind of row it applies to.
HISTOGRAM_QUANTITIES = {"gradient": "variable", "update": "variable", "activation": "output"}
# Per sign one bucket for each octave of magnitude; smaller and larger ones are counted in the outer two. float32's
# exponent is the octave, so no logarithm is taken, and no rounding moves a value into its neighbour's bucket.
SMALLEST_OCTAVE, LARGEST_OCTAVE = -40, 19  # of 2^-40 = 9e-13 … 2^20 = 1e6
OCTAVES = LARGEST_OCTAVE - SMALLEST_OCTAVE + 1
ZERO_BUCKET = OCTAVES  # exactly 0; below it the negative ones, largest magnitude first
BUCKETS = 2 * OCTAVES + 1

# loss: a term of it, rate: the learning rate of one of several optimizers, each by its mean.
ROW_KINDS = ("variable", "output", "input", "target", "prediction", "loss", "rate")
EVENT_KINDS = (
    "no_step",  # {"passes": ...} so many backward passes, and no step of the optimizer behind them
    "no_gradient",  # {"rows": [...]} variables the loss does not reach: the gradient is None
    "learning_rate",  # {"from": ..., "to": ..., "by": class name where known} changed by a callback between steps
    "restart",  # {"cleared": true} a fit that continues in a directory that already holds steps; see above; "beside":
    # true where another process was writing there at that time
    "accident",  # {"reason": "nonfinite" or "leap", "losses": [[step, loss], ...]} the last losses, that step's too
    "search",  # {"steps": ..., "found": ...} after a loss that was not finite so many steps were looked into: a pass
    # over the data, or up to a batch that holds NaN or Inf
    "cost",  # {"share": ..., "samples": ...} what samples added to the time of plain steps, compilation left out
    "recording_stopped",  # {"reason": ...} recording failed and switched itself off
    "not_sampled",  # {"reason": ...} from here on only losses could be recorded
    "mark",  # {"text": ...} a user's own note
)


class NewerFormat(ValueError):
    """The log was written by a newer tb_lossdiag than this one can read."""


def applies(column: str, row_kind: str) -> bool:
    """Whether a layer-table column has a meaning for rows of this kind."""
    return LAYER_COLUMNS.get(column) == row_kind


def metadata_content() -> bytes:
    """The bytes TensorBoard keeps with each tag: the format version, nothing else."""
    return str(VERSION).encode()


def check_version(version: int) -> None:
    """Raises NewerFormat when a log or a card is from a later format than this code knows."""
    if version > VERSION:
        raise NewerFormat(
            f"the log has format version {version}, this tb_lossdiag reads up to {VERSION}: pip install -U tb-lossdiag"
        )


def encode_json(value: Mapping[str, object]) -> str:
    """JSON text of a card, an epoch or an event; NaN and Infinity are written as Python's json writes them."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def decode_json(text: str | bytes) -> dict:
    """The object back. Raises ValueError when it is not a JSON object."""
    if len(text) > MAX_TEXT_BYTES:
        raise ValueError(f"a JSON text of {len(text)} bytes, expected {MAX_TEXT_BYTES} at most")
    value = json.loads(text, parse_int=lambda digits: int(digits[:MAX_DIGITS]))
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def encode_vector(columns: Sequence[str], values: Mapping[str, float]) -> np.ndarray:
    """float32 [columns]: the named values in column order, NaN where a value is missing."""
    unknown = sorted(set(values) - set(columns))
    if unknown:
        raise ValueError(f"unknown column {unknown[0]!r}; known: {', '.join(columns)}")
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and that is what is recorded
        return np.array([float(values.get(name, np.nan)) for name in columns], np.float32)


def encode_matrix(columns: Sequence[str], values: Mapping[str, Sequence[float]], rows: int) -> np.ndarray:
    """float32 [rows, columns]: each named array of length `rows` in its column, NaN where a column is missing."""
    unknown = sorted(set(values) - set(columns))
    if unknown:
        raise ValueError(f"unknown column {unknown[0]!r}; known: {', '.join(columns)}")
    matrix = np.full((rows, len(columns)), np.nan, np.float32)
    for name, column in values.items():
        with np.errstate(over="ignore"):
            column = np.asarray(column, np.float32)
        if column.shape != (rows,):
            raise ValueError(f"column {name!r} has shape {column.shape}, expected ({rows},): one per row of the card")
        matrix[:, list(columns).index(name)] = column
    return matrix


def histogram_edges() -> tuple[np.ndarray, np.ndarray]:
    """float64 [BUCKETS] each: from which value to which a bucket goes; from 0 to 0 for exactly 0."""
    sizes = 2.0 ** np.arange(SMALLEST_OCTAVE, LARGEST_OCTAVE + 2)
    sizes[0], sizes[-1] = 0.0, np.inf
    low = np.concatenate([-sizes[:0:-1], [0.0], sizes[:-1]])
    high = np.concatenate([-sizes[-2::-1], [0.0], sizes[1:]])
    return low, high


def histogram_lines(kinds: Sequence[str]) -> list[tuple[int, str]]:
    """(row, quantity) of each line of a HISTOGRAMS record; kinds: of the card's rows."""
    return [
        (row, quantity)
        for quantity, applies_to in HISTOGRAM_QUANTITIES.items()
        for row, kind in enumerate(kinds)
        if kind == applies_to
    ]


def encode_histograms(histograms: Mapping[str, np.ndarray], kinds: Sequence[str]) -> np.ndarray:
    """float16 [lines, BUCKETS] of {quantity: shares [rows of its kind, BUCKETS]}; a missing quantity is NaN."""
    unknown = sorted(set(histograms) - set(HISTOGRAM_QUANTITIES))
    if unknown:
        raise ValueError(f"unknown quantity {unknown[0]!r}; known: {', '.join(HISTOGRAM_QUANTITIES)}")
    parts = []
    for quantity, kind in HISTOGRAM_QUANTITIES.items():
        shape = (sum(known == kind for known in kinds), BUCKETS)
        part = np.asarray(histograms.get(quantity, np.full(shape, np.nan)), np.float16)
        if part.shape != shape:
            raise ValueError(f"{quantity!r} has shape {part.shape}, expected {shape}: one line per {kind} of the card")
        parts.append(part)
    return np.concatenate(parts)


def decode_histograms(array: np.ndarray, lines: int) -> np.ndarray:
    """float16 [lines, BUCKETS] as written, checked. Raises ValueError naming what is off."""
    if array.dtype != np.float16:
        raise ValueError(f"dtype {array.dtype}, expected float16")
    if array.shape != (lines, BUCKETS):
        raise ValueError(f"shape {array.shape}, expected {(lines, BUCKETS)}: one line per quantity of the card's rows")
    return array


def decode_tensor(array: np.ndarray, columns: Sequence[str], rows: int | None = None) -> np.ndarray:
    """float32 [..., columns] as written, checked. Raises ValueError naming what is off.

    rows: the expected first axis of a matrix; None for a vector, -1 for a matrix with any number of rows.
    """
    if array.dtype != np.float32:
        raise ValueError(f"dtype {array.dtype}, expected float32")
    rank = 1 if rows is None else 2
    if array.ndim != rank:
        raise ValueError(f"rank {array.ndim}, expected {rank}")
    if array.shape[-1] != len(columns):
        raise ValueError(f"{array.shape[-1]} columns, the card names {len(columns)}")
    if rows is not None and rows >= 0 and array.shape[0] != rows:
        raise ValueError(f"{array.shape[0]} rows, the card names {rows}")
    return array

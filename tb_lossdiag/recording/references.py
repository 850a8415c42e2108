"""Which other outputs is a loss measured on, to tell what the model's own are worth? In any framework.

A loss is called again on the outputs dealt to other examples, on outputs that are the same for every example, and on
the targets themselves. Targets and sample weights stay where they are: a loss may pair the examples of a batch.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from tb_lossdiag.recording.loss_calls import LossCall
from tb_lossdiag.recording.losses import Loss, given_losses

PERMUTATIONS = 3  # of a batch; readers pool over samples, and each is one more call of the loss in every sample
SEED = 2_147_483_629  # of draws of our own, which touch no state of the user's

# Seven calls of a loss make some ten passes each over its outputs, all of which may be in memory at once: of larger
# outputs the first examples are taken (unmeasured; from about 1 ms for a pass over a million elements on a CPU).
MEASURED_ELEMENTS, MOST_ELEMENTS, MIN_EXAMPLES = 2**20, 2**22, 8
ASSUMED_BATCH, ASSUMED_SIZE = 1024, 128  # of axes whose sizes a graph does not know

# Why a loss was not called again, each to follow "because".
IN_STEP = "the loss is computed inside train_step"
IN_COMPUTE_LOSS = "the loss is computed inside compute_loss"
ADDED = "the loss is what layers add"
WRITTEN_OUT = "the loss is written out in the step, and TrainingMonitor was given none as loss=…"
COMPILED = "the step is compiled by torch.compile"
SEVERAL = "the loss takes several outputs at once"
NO_TENSOR = "the loss was called on something other than dense tensors"
NO_BATCH = "the loss was called on outputs without a batch axis"
CHANGES = "the loss changes a variable"
READS = "the loss reads variables, whose values Keras keeps elsewhere while it trains on JAX"
DRAWS = "the loss draws random numbers"
PRINTS = "the loss prints"


TOO_LARGE = "the output is too large for the loss to be called on it several times"
FAILS = "the loss may fail on other outputs"
FAILED = "the loss could not be called on other outputs"


class NotCalledAgain(Exception):
    """The loss must not, or cannot, be called on other outputs; the text follows "because"."""


class Unchanged(keras.StatelessScope):
    """In which no variable of Keras's changes: a block that would change one ends in NotCalledAgain.

    reads: whether it may read one.
    """

    def __init__(self, reads: bool = True) -> None:
        super().__init__(initialize_variables=False)
        self._reads = reads
        self._refusal: NotCalledAgain | None = None

    def add_update(self, update: Any) -> None:
        self._refuse(update[0], CHANGES)

    def get_current_value(self, variable: Any) -> Any:
        if not self._reads:
            self._refuse(variable, READS)

    def _refuse(self, variable: Any, reason: str) -> None:
        is_random_state = "seed" in getattr(variable, "name", "")
        self._refusal = self._refusal or NotCalledAgain(DRAWS if is_random_state else reason)
        raise self._refusal

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        if self._refusal is not None:  # a layer would have put its name and arguments around it, or nobody raised it on
            raise self._refusal


Numbers = dict[str, Any]


def measured(
    calls: Sequence[LossCall | None],
    own: Callable[[LossCall], Any],
    references: Callable[[LossCall], Numbers],
    unseen: str,
    passes: Callable[[Exception], bool] = lambda error: False,
) -> tuple[list[Numbers], str]:
    """Of the loss of each output, its numbers by column; and why some are missing, "" where none is.

    own: a loss as the step computed it. references: it and the others of schema.DATA_COLUMNS. unseen: why none was
    called. passes: whether an exception is not the loss's.
    """
    found, reasons = [], [] if not calls or any(calls) else [unseen]
    for call in calls:
        numbers = {} if call is None or call.value is None else {"loss": own(call)}
        try:
            numbers |= {} if call is None else references(call)
        except NotCalledAgain as known:
            reasons.append(str(known))
        except Exception as error:  # of the user's function, which was made for the outputs of the model only
            if passes(error):
                raise
            reasons.append(f"{FAILED} ({type(error).__name__})")
        found.append(numbers)
    return found, "; ".join(dict.fromkeys(reasons))


def shapes_of(call: LossCall | None) -> tuple[tuple[int | None, ...], ...]:
    """Of target and prediction as they meet in the loss, the batch axis None; () without a call."""
    if call is None:
        return ()
    shapes = [_shape(end) for end in (call.target, call.prediction)]
    target, prediction = ((None, *shape[1:]) if shape else () for shape in shapes)
    if call.ranks_are_made_equal and len(prediction) == len(target) + 1 and prediction[-1] == 1:
        return ((None, 1), prediction) if len(target) == 1 else (target, prediction[:-1])
    if call.ranks_are_made_equal and len(target) == len(prediction) + 1 and target[-1] == 1:
        return (target, (None, 1)) if len(prediction) == 1 else (target[:-1], prediction)
    return target, prediction


def never_called(model: keras.Model, is_loop: bool) -> str:
    """Why no loss was seen that is called on the model's output. is_loop: whether the step is the user's own loop."""
    if is_loop:
        return WRITTEN_OUT
    if type(model).train_step is not keras.Model.train_step:
        return IN_STEP
    if type(model).compute_loss is not keras.Model.compute_loss:
        return IN_COMPUTE_LOSS
    return SEVERAL if given_losses(model) else ADDED


def _shape(end: Any) -> tuple[int | None, ...]:
    """() also where nothing is known of it."""
    shape = getattr(end, "shape", ())
    return () if getattr(shape, "rank", 0) is None else tuple(shape)


def measured_examples(shape: Sequence[int | None]) -> int | None:
    """How many examples of outputs of this shape the loss is called on, None for all. Raises NotCalledAgain."""
    batch, *rest = shape
    elements = max(1, math.prod(ASSUMED_SIZE if size is None else size for size in rest))
    most = max(MIN_EXAMPLES, MEASURED_ELEMENTS // elements)
    if (ASSUMED_BATCH if batch is None else batch) <= most:
        return None
    if most * elements > MOST_ELEMENTS:
        raise NotCalledAgain(TOO_LARGE)
    return most


def dealing(batch: int) -> np.ndarray:
    """int [PERMUTATIONS, batch]: whose output each example gets; of two examples or more never its own."""
    order = np.random.Generator(np.random.PCG64(SEED)).permutation(batch)
    rank = np.argsort(order)
    shifts = 1 + np.arange(PERMUTATIONS) % max(batch - 1, 1)
    return order[(rank + shifts[:, None]) % max(batch, 1)]


def constants_of(
    loss: Loss, is_users: bool, target: Sequence[int | None], prediction: Sequence[int | None], is_integer: bool
) -> tuple[str, ...]:
    """What the outputs that are the same for every example are made from, the best of which counts.

    "prediction": the mean output. "mean", "median": of the targets. "shares": how often each class occurs, or a yes of
    each unit; "log shares", "log odds": the same before a softmax or sigmoid. Shares are taken over all examples and
    places and with one occurrence of each added: those of a small batch alone would be a better guess than any model
    has. is_users: of a function of the user's own it is not known what it takes. is_integer: the target.
    """
    units = prediction[-1] if len(prediction) > 1 else None
    labels = len(target) == len(prediction) - 1 or (len(target) == len(prediction) and target[-1] == 1)
    by_class = loss.name.startswith("SparseCategorical") or (is_users and is_integer)
    if units and units > 1 and labels and by_class:
        if is_users:
            return "prediction", "shares", "log shares"
        return "prediction", "log shares" if loss.from_logits else "shares"
    pairs = _pairs(target, prediction)
    if not pairs or None in pairs[-1] or pairs[-1][0] != pairs[-1][1]:
        return ("prediction",)
    if loss.name in ("CategoricalCrossentropy", "CategoricalFocalCrossentropy"):
        return "prediction", "log shares" if loss.from_logits else "shares"
    if loss.name in ("BinaryCrossentropy", "BinaryFocalCrossentropy"):
        return "prediction", "log odds" if loss.from_logits else "shares of yes"
    if not _are_one_shape(pairs):
        return ("prediction",)
    return ("prediction", "mean", "median") if is_users or loss.name in _OF_MEDIANS else ("prediction", "mean")


def has_least(loss: Loss, target: Sequence[int | None], prediction: Sequence[int | None], is_floating: bool) -> bool:
    """Whether targets in the place of outputs are what a perfect model would give. is_floating: the target."""
    same = len(target) == len(prediction) and _are_one_shape(_pairs(target, prediction))
    return same and is_floating and not loss.from_logits and loss.name not in _OF_SCORES


_OF_MEDIANS = ("Huber", "LogCosh", "MeanAbsoluteError", "MeanAbsolutePercentageError")
_OF_SCORES = ("Hinge", "SquaredHinge", "CategoricalHinge")  # a perfect output lies beyond the target


def _pairs(target: Sequence[int | None], prediction: Sequence[int | None]) -> list[tuple[int | None, int | None]]:
    """(target, prediction) sizes behind the batch axis; none where the axes do not match.

    A single unit may stand without an axis of its own.
    """
    if len(target) == len(prediction) - 1 and prediction[-1] == 1:
        target = (*target, 1)
    if len(target) != len(prediction) or not target:
        return []
    return list(zip(target[1:], prediction[1:], strict=True)) or [(1, 1)]


def _are_one_shape(pairs: list[tuple[int | None, int | None]]) -> bool:
    """Known to be: what is found to differ in the step itself would end it."""
    return bool(pairs) and all(a == b is not None for a, b in pairs)

"""Which loss was compiled, and does it take the values before the output's softmax or sigmoid?"""

from functools import lru_cache
from typing import Any

import keras

from tb_lossdiag.recording.keras_private import give_logits
from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.losses import described, given_losses, loss_name


def loss_card(model: keras.Model, layout: Layout) -> dict[str, Any]:
    """{"name", "from_logits", "reads_logits"} of the first loss; with several, one such dict each under "outputs".

    Of a model that is compiled without one: of those that its step was seen to call.
    """
    losses = given_losses(model)
    found = [(loss.name, loss.from_logits, False) for loss in map(described, losses)] or layout.called_losses
    cards = [dict(zip(("name", "from_logits", "reads_logits"), loss, strict=True)) for loss in found]
    if not losses:
        return _whole(cards)
    if layout.cached_logits:
        is_sparse = layout.classes is not None
        cards[0]["reads_logits"] = _takes_cached_logits(losses[0], layout.prediction, layout.target_rank, is_sparse)
    return _whole(cards)


def _whole(cards: list[dict[str, Any]]) -> dict[str, Any]:
    if not cards:
        return {}
    return cards[0] if len(cards) == 1 else {**cards[0], "outputs": cards}


def has_sparse_labels(model: keras.Model) -> bool | None:
    """Whether the compiled loss takes integer class labels; None when no loss is compiled."""
    losses = given_losses(model)
    return loss_name(losses[0]).startswith("SparseCategorical") if losses else None


def _takes_cached_logits(loss: Any, form: tuple[Any, ...], target_rank: int, is_sparse: bool) -> bool:
    """Whether the loss of a tensor depends on the logits that it carries. form: dtype and shape of the prediction.

    Only Keras's own losses are tried; calling a user's function a second time might do something.
    """
    if keras.backend.backend() != "tensorflow":
        return False  # only there does Keras look for them
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    is_kerass = getattr(loss, "__module__", "").startswith("keras.")
    return is_kerass and _depends_on_logits(loss, form, target_rank, is_sparse)


@lru_cache(maxsize=32)  # a trial takes 10 ms or more, and fits of 200 ms come in loops
def _depends_on_logits(loss: Any, form: tuple[Any, ...], target_rank: int, is_sparse: bool) -> bool:
    """Tried out in a graph of its own."""
    import tensorflow as tf

    if not isinstance(loss, keras.losses.Loss):
        loss = getattr(keras.losses, loss_name(loss))()
    dtype, *shape = form
    sizes = [size or 1 for size in shape]
    with tf.Graph().as_default():
        prediction = tf.fill(sizes, tf.constant(0.5, dtype))
        target = tf.zeros(([*sizes[:-1], 1] if is_sparse else sizes)[:target_rank])
        logits = tf.zeros_like(prediction)
        give_logits(prediction, logits)
        return tf.gradients(loss(target, prediction), logits)[0] is not None

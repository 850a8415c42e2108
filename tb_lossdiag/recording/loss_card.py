"""Which loss was compiled, and does it take the values before the output's softmax or sigmoid?"""

from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.packing import Layout


def loss_card(model: keras.Model, layout: Layout) -> dict[str, Any]:
    """{"name", "from_logits", "reads_logits"} of the first loss; with several, one such dict each under "outputs"."""
    losses = [loss for loss in keras.tree.flatten(getattr(model, "loss", None)) if loss is not None]
    cards = [{"name": _name(loss), "from_logits": _from_logits(loss), "reads_logits": False} for loss in losses]
    if not cards:
        return {}
    if layout.cached_logits:
        cards[0]["reads_logits"] = _takes_cached_logits(losses[0], layout)
    return cards[0] if len(cards) == 1 else {**cards[0], "outputs": cards}


def has_sparse_labels(model: keras.Model) -> bool | None:
    """Whether the compiled loss takes integer class labels; None when no loss is compiled."""
    losses = [loss for loss in keras.tree.flatten(getattr(model, "loss", None)) if loss is not None]
    return _name(losses[0]).startswith("SparseCategorical") if losses else None


def _name(loss: Any) -> str:
    """The class name of Keras's own losses, however they were given; a user's function by its name."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return loss
    if isinstance(loss, keras.losses.Loss):
        return type(loss).__name__
    name = getattr(loss, "__name__", type(loss).__name__)
    classes = {other.lower(): other for other in dir(keras.losses) if other[0].isupper()}
    return classes.get(name.replace("_", "").lower(), name)


def _from_logits(loss: Any) -> bool:
    if not isinstance(loss, keras.losses.Loss):
        return False
    options = {**vars(loss), **getattr(loss, "_fn_kwargs", {})}
    return bool(options.get("from_logits", False))


def _takes_cached_logits(loss: Any, layout: Layout) -> bool:
    """Tried out in a graph of its own: does the loss of a tensor depend on the `_keras_logits` that it carries?

    Only Keras's own losses are tried; calling a user's function a second time might do something.
    """
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if not getattr(loss, "__module__", "").startswith("keras."):
        return False
    if not isinstance(loss, keras.losses.Loss):
        loss = getattr(keras.losses, _name(loss))()
    (dtype, *shape), target_rank = layout.prediction, layout.target_rank
    sizes = [size or 1 for size in shape]
    with tf.Graph().as_default():
        prediction = tf.fill(sizes, tf.constant(0.5, dtype))
        target = tf.zeros((sizes if layout.classes is None else [*sizes[:-1], 1])[:target_rank])
        prediction._keras_logits = tf.zeros_like(prediction)
        return tf.gradients(loss(target, prediction), prediction._keras_logits)[0] is not None

"""What should be recorded of a loss on other outputs? Computed by Keras on arrays, one output after the other."""

import keras
import numpy as np

NAMES = ("loss", "loss_shuffled", "loss_shuffled_change", "loss_constant", "loss_least")


def called(loss, y, p, weight=None):
    """A number, as compile() would have it."""
    loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        value = loss(y, keras.ops.convert_to_tensor(p), weight)
    else:
        value = loss(keras.ops.convert_to_tensor(y, "float32"), keras.ops.convert_to_tensor(p))
    return float(np.mean(keras.ops.convert_to_numpy(value)))


def shaped(loss, y, p):
    """As Keras hands them to all but a Loss with a `call` of the user's own: with one rank."""
    is_own = isinstance(loss, keras.losses.Loss) and not type(loss).__module__.startswith("keras")
    return y[:, None] if not is_own and y.ndim == p.ndim - 1 and p.shape[-1] == 1 else y


def references(loss, y, p, orders, constants, least, weight=None):
    """{column: number}. constants: rows, each an output for every example. least: whether targets can be outputs."""
    y = shaped(loss, y, p)
    own = called(loss, y, p, weight)
    dealt = np.array([called(loss, y, p[order], weight) for order in orders])
    changes = np.abs(dealt - own) / np.maximum(np.maximum(np.abs(dealt), abs(own)), 1e-30)
    every = [called(loss, y, np.broadcast_to(row, p.shape).astype(p.dtype), weight) for row in constants]
    ideal = called(loss, y, y.astype(p.dtype), weight) if least else np.nan
    numbers = (own, dealt.mean(), changes.max(), np.nanmin(every), ideal)
    return dict(zip(NAMES, numbers, strict=True))


def constants(name, y, p):
    """The outputs that the best constant is looked for among. name: of the kind of loss."""
    made = [p.mean(axis=0)]
    units = p.shape[-1]
    if y.ndim == 1 and units > 1:
        counts = np.bincount(y, minlength=units)
        shares = (counts + 1.0) / (len(y) + units)
        made += {"classes": [shares], "classes from logits": [np.log(shares)]}.get(name, [shares, np.log(shares)])
    elif "one-hot" in name:
        shares = (y.sum(axis=0) + 1.0) / (len(y) + units)
        made.append(np.log(shares) if "logits" in name else shares)
    elif name.startswith("yes or no") or name == "focal":
        share = (y.sum() + 1.0) / (y.size + 2.0)
        made.append(np.array([np.log(share / (1.0 - share)) if "logits" in name else share]))
    else:
        values = y.reshape(p.shape)
        made.append(values.mean(axis=0))
        if name in ("values without an axis", "huber") or name.startswith(("a function", "a class", "contrastive")):
            made.append(np.sort(values, axis=0)[len(values) // 2])
    return made


def has_least(name, y, p):
    y = y if name == "contrastive" else shaped(None, y, p)
    return "logits" not in name and y.shape == p.shape and name != "hinge"


def expected(name, kind, model, x, y, orders):
    """Of a model before its first step. name: of the kind of loss."""
    p = keras.ops.convert_to_numpy(model(x))
    return references(kind.make(), y, p, orders, constants(name, y, p), has_least(name, y, p))

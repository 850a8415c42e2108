"""What should the user change about the loss? Weights of its parts, a floor under its values, codes and embeddings."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.fixes.wiring import is_loop, is_torch
from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.reference import BINARY, CATEGORICAL
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import learning_rate
from tb_lossdiag.diagnosis.snippets import rounded

# A weight that lifts a part of the loss beyond this is no weight, but another unit: the targets are to be scaled.
MOST = 1e6


def bound_the_loss(f: Findings) -> Fix:
    name = loss_name(f.run.card) if f.run.card is not None else ""
    if f.checks["loss_bound"].sign("level") == "impossible" and name in BINARY | CATEGORICAL:
        return Fix(
            "A cross-entropy takes targets from 0 to 1. Scale what is a share, and give numbers a squared error.",
            "print(y.min(), y.max())  # from 0 to 1 for a cross-entropy",
        )
    return Fix(
        "Look for the answer that makes this loss as low as it can be: it should be the right one. Targets beyond 0 to "
        "1, a ratio whose bottom can be 0, a logarithm of more than 1 and a missing absolute value take it away.",
        "print(y.min(), y.max())  # masks of 0 and 255 belong on 0 and 1",
    )


def balance_terms(f: Findings) -> Fix:
    check = f.checks["term_balance"]
    small, large = str(check.sign("small", "small")), str(check.sign("large", "large"))
    ratio = check.sign("ratio") or 100.0
    ratio = float(np.clip(ratio, 1.0, MOST)) if np.isfinite(ratio) else MOST
    text = (
        f"Bring the parts to one scale: divide {large!r} by about {rounded(ratio)}, or scale the targets it compares."
    )
    if is_loop(f.run):
        return Fix(text, f"def balanced(small, large):\n    return small + large / {rounded(ratio)}")
    weights = f"{{{small!r}: 1.0, {large!r}: {rounded(1 / ratio)}}}"
    return Fix(
        text,
        f"model.compile(optimizer=model.optimizer, loss=model.loss, loss_weights={weights})",
    )


def keep_the_code(f: Findings) -> Fix:
    text = "Sum both parts of the loss over their dimensions and average over the batch only; or let the divergence's "
    text += "weight grow from 0 over the first epochs."
    if is_torch(f.run):
        return Fix(
            text,
            "def balanced(x, output, mu, logvar, weight):  # weight from 0 to 1\n"
            "    reconstruction = (output - x).pow(2).flatten(1).sum(1).mean()\n"
            "    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum(1).mean()\n"
            "    return reconstruction + weight * kl",
        )
    return Fix(
        text,
        "def balanced(x, output, mean, log_var, weight):  # weight from 0 to 1\n"
        "    axes = tuple(range(1, len(x.shape)))\n"
        "    reconstruction = keras.ops.mean(keras.ops.sum(keras.ops.square(x - output), axis=axes))\n"
        "    each = -0.5 * (1 + log_var - keras.ops.square(mean) - keras.ops.exp(log_var))\n"
        "    return reconstruction + weight * keras.ops.mean(keras.ops.sum(each, axis=1))",
    )


def spread_embeddings(f: Findings) -> Fix:
    rate = learning_rate(f.run)
    lower = f", and lower the learning rate from {rate:g} to {rounded(rate / 10)}" if rate else ""
    text = f"Normalise the embeddings to length 1{lower}; mine semi-hard pairs before the hardest ones."
    if is_torch(f.run):
        return Fix(text, "embedding = torch.nn.functional.normalize(model(x), dim=1)")
    return Fix(text, "embedding = keras.layers.UnitNormalization(axis=-1)(model(x))")

"""What should the user change about the loss? Weights of its parts, a floor under its values, codes and embeddings."""

import numpy as np

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import is_loop, is_torch
from tb_lossdiag.diagnosis.losses import loss_name
from tb_lossdiag.diagnosis.reference import BINARY, CATEGORICAL
from tb_lossdiag.diagnosis.report import Fix
from tb_lossdiag.diagnosis.settings import learning_rate
from tb_lossdiag.diagnosis.snippets import optimizer_code, rounded

# A weight that lifts a part of the loss beyond this is no weight, but another unit: the targets are to be scaled.
MOST = 1e6


def bound_the_loss(f: Findings) -> Fix:
    name = loss_name(f.run.card) if f.run.card is not None else ""
    if f.checks["loss_bound"].sign("level") == "impossible" and name in BINARY | CATEGORICAL:
        return Fix(
            "A cross-entropy takes targets from 0 to 1. Scale what is a share, and give numbers a squared error.",
            "print(y.min(), y.max())  # 0 ... 1 for a cross-entropy",
        )
    if f.checks["loss_bound"].sign("level") == "inverted":
        return Fix("Turn the sign of the loss: a log likelihood is to grow, so its negative is what is minimised.")
    return Fix(
        "Look for the answer that makes this loss as low as it can be: it should be the right one. Targets beyond 0 to "
        "1, a ratio whose bottom can be 0, a logarithm of more than 1 and a missing absolute value take it away.",
        "print(y.min(), y.max())  # masks of 0 and 255 belong on 0 and 1",
    )


def balance_terms(f: Findings) -> Fix:
    check = f.checks["term_balance"]
    small, large = str(check.sign("small", "small")), str(check.sign("large", "large"))
    ratio = check.sign("scale" if check.sign("weighed_down") else "ratio") or 100.0
    ratio = float(np.clip(ratio, 1.0, MOST)) if np.isfinite(ratio) else MOST
    text = (
        f"Bring the parts to one scale: divide {large!r} by about {rounded(ratio)}, or scale the targets it compares."
    )
    if check.sign("weighed_down"):
        text = f"Give {small!r} its weight back in the sum: the parts should pull alike, within a factor of ten."
    if check.sign("level") == "won":
        return Fix(f"Weigh {large!r} ten times less, and again, until {small!r} comes down first.")
    outputs = {row.own_name for row in f.run.data.of_kind("prediction").rows} if f.run.data is not None else set()
    heads = [name.removesuffix("_loss") for name in (small, large)]
    if is_loop(f.run) or not set(heads) <= outputs:
        return Fix(text)
    weights = f"{{{heads[0]!r}: 1.0, {heads[1]!r}: {rounded(1 / ratio)}}}"
    return Fix(text, f"model.compile(optimizer={optimizer_code(f.run)}, loss=model.loss, loss_weights={weights})")


def keep_the_code(f: Findings) -> Fix:
    return Fix(
        "Sum both parts of the loss over their dimensions and average over the batch only; or let the divergence's "
        "weight grow from 0 over the first epochs."
    )


def push_apart(f: Findings) -> Fix:
    return Fix(
        "Give the loss something that keeps different examples apart: pairs that are not alike and a margin above 0, "
        "the others of the batch as negatives, or a stopped gradient on one of two views."
    )


def spread_embeddings(f: Findings) -> Fix:
    rate = learning_rate(f.run)
    lower = f", and lower the learning rate from {rate:g} to {rounded(rate / 10)}" if rate else ""
    text = f"Normalise the embeddings to length 1{lower}; mine semi-hard pairs before the hardest ones."
    if is_torch(f.run):
        return Fix(text, "embedding = torch.nn.functional.normalize(model(x), dim=1)")
    return Fix(text, "embedding = keras.layers.UnitNormalization(axis=-1)(model(x))")

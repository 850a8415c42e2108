"""Do frozen layers get what they were trained on? Their normalisation statistics hold what they expect; compare.

A frozen BatchNormalization, and a Normalization, take mean and variance from what they once saw. Fed with the same kind
of data they give outputs of their own offset and scale; pixels of 0 … 255 where 0 … 1 were seen give 255 times as much.
"""

import numpy as np

from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import LayerCard, Run, Table

ID = "frozen_statistics"
TITLE = "Inputs of frozen layers"
# Outputs that spread this many times as far as the layer's scale, or as little, or lie as many scales away. Other data
# of the same kind and preparation stay within 2 (unmeasured); another range of pixels is off by 127 or 255.
FAR = 5.0
FIRST = 5  # samples: before the weights in front, where there are any that train, have moved
# Moving statistics as they are made hold nothing that was seen.
MADE = 1e-3
SOURCE = "data like those that a layer's statistics come from leave it with its own offset and scale"


def check(run: Run) -> Check:
    layers = [layer for layer in (run.card.layers if run.card is not None else ()) if _holds_statistics(layer)]
    table = run.layers.of_kind("output") if run.layers is not None else None
    known = table is not None and table.has("activation_mean") and table.has("activation_std")
    if not layers or not known:
        return Check(ID, TITLE, "not_run", needs=recorded("frozen layers that hold what they were trained on", run))
    measured = [(layer, *_seen(table, layer)) for layer in layers]
    measured = [one for one in measured if np.isfinite(one[1:]).all()]
    if not measured:
        return Check(ID, TITLE, "inconclusive", needs="finite outputs of the frozen layers")
    first, mean, std, own = measured[0]  # what is off goes through the others, so the first one tells
    scale, offset = abs(first.number("scale_mean") or 1.0), first.number("offset_mean") or 0.0
    wide, away = std / scale, abs(mean - offset) / scale
    narrow = (own if run.card.batch_size != 1 else std) / scale
    size = max(wide, 1 / max(narrow, 1e-12), away)
    found = size > FAR
    text = (
        f"The frozen {first.path!r} gives outputs of mean {mean:.3g} and spread {min(std, own):.3g}; fed with what its "
        f"statistics come from it gives {offset:.3g} and {scale:.3g}."
    )
    names = (first.path,)
    seen = (int(table.steps[0]), int(table.steps[min(len(table.steps), FIRST) - 1]))
    evidence = Evidence(text, size, FAR, "times its own scale", SOURCE, names, seen)
    signs = (("size", size), ("mean", mean), ("std", std))
    return Check(
        ID, TITLE, "found" if found else "not_found", (evidence,), seen[0] if found else None, names, signs=signs
    )


def _holds_statistics(layer: LayerCard) -> bool:
    """Whether its output says what came in, by statistics that it does not take from the batch."""
    mean, variance = layer.number("moving_mean"), layer.number("moving_variance")
    if mean is None or variance is None or variance <= 0:
        return False
    frozen = "BatchNorm" in layer.kind and not layer.trainable
    return (frozen or layer.kind == "Normalization") and (abs(mean) > MADE or abs(variance - 1) > MADE)


def _seen(table: Table, layer: LayerCard) -> tuple[float, float, float]:
    """Mean and spread of what the layer gave at the start, and each unit's own spread; NaN when it has no row.

    Units that no longer vary at all have still levels of their own, which spread.
    """
    at = next((i for i, row in enumerate(table.rows) if row.layer == layer.path or row.name == layer.path), None)
    if at is None:
        return np.nan, np.nan, np.nan
    mean, std = (_typical(table, at, column) for column in ("activation_mean", "activation_std"))
    own = _typical(table, at, "activation_unit_std") if table.has("activation_unit_std") else np.nan
    return mean, std, own if np.isfinite(own) else std


def _typical(table: Table, at: int, column: str) -> float:
    values = table.column(column)[:FIRST, at].astype(np.float64)
    return float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else np.nan

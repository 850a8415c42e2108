"""What is said of the layers? Rows and statistics of the layer table, and one statistic as bytes; see http_api.md."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tb_lossdiag.plugin.merging import columns, within
from tb_lossdiag.plugin.statistics import Statistic, values_of
from tb_lossdiag.run import LayerCard, Row, Run, Table

_INT32 = np.iinfo(np.int32)


def layers_payload(run: Run, statistics: Sequence[Statistic]) -> dict[str, Any]:
    """Rows and statistics of the layer table; empty lists for a log without layer records."""
    table = run.layers
    if table is None:
        steps = {"shown": 0, "written": 0, "first": None, "last": None}
        return {"run": run.name, "steps": steps, "statistics": [], "rows": []}
    steps = {"shown": len(table.steps), "written": max(table.written, len(table.steps))}
    steps |= {"first": int(table.steps[0]), "last": int(table.steps[-1])}
    cards = {layer.path: layer for layer in run.card.layers} if run.card else {}
    rows = [_one_row(cards.get(row.layer), index, row) for index, row in enumerate(table.rows)]
    for statistic in statistics:
        kept = [index for index, row in enumerate(table.rows) if row.kind == statistic.kind]
        values = values_of(table, statistic, kept)
        blank = np.isnan(values).all(axis=0)
        for index, value, is_blank in zip(kept, values[-1].tolist(), blank.tolist(), strict=True):
            rows[index]["latest"][statistic.id] = None if is_blank else value
    return {
        "run": run.name,
        "steps": steps,
        "statistics": [
            {
                "id": s.id,
                "label": s.label,
                "unit": s.unit,
                "kind": s.kind,
                "scale": s.scale,
                "healthy": s.healthy,
                "checks": list(s.checks),
            }
            for s in statistics
        ],
        "rows": rows,
    }


def _one_row(card: LayerCard | None, index: int, row: Row) -> dict[str, Any]:
    layer = card or LayerCard(path=row.layer, kind="")
    initializer = layer.initializers.get(row.name.rpartition("/")[2])
    return {
        "index": index,
        "name": row.name,
        "kind": row.kind,
        "layer": row.layer,
        "layer_kind": layer.kind,
        "activation": layer.activation,
        "initializer": initializer.get("name") if isinstance(initializer, dict) else None,
        "parameters": layer.parameters,
        "trainable": layer.trainable,
        "latest": {},
    }


def matrix_bytes(table: Table, statistic: Statistic, width: int, window: tuple[int, int] | None = None) -> bytes:
    """One statistic over rows and steps, merged into at most `width` columns; the layout is in http_api.md."""
    rows = [index for index, row in enumerate(table.rows) if row.kind == statistic.kind]
    kept = within(table.steps, window)
    steps = np.clip(table.steps[kept], _INT32.min, _INT32.max).astype("<i4")
    merged, starts = columns(values_of(table, statistic, rows)[kept].T, width)
    header = np.array([len(rows), len(starts), *rows], "<u4")
    last = steps[np.append(starts[1:], len(steps)) - 1]
    return b"".join((header.tobytes(), steps[starts].tobytes(), last.tobytes(), merged.astype("<f4").tobytes()))

"""Which rows does a sampled step have, and what are their numbers? What was seen of it becomes a Sample on the host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tb_lossdiag.recording.rows import rows_of
from tb_lossdiag.run import Row
from tb_lossdiag.torch import statistics
from tb_lossdiag.torch.forward import Call, ForwardPass
from tb_lossdiag.torch.structure import Structure
from tb_lossdiag.torch.updates import Gradients, whole_norm

Cells = dict[str, dict[str, float]]  # row to column to number; what is missing was not measured


@dataclass(frozen=True)
class Sample:
    """A sampled step. unreached: parameters without a gradient."""

    rows: tuple[Row, ...]
    data_rows: tuple[Row, ...]
    step: dict[str, float]
    layers: Cells
    data: Cells
    targets: list[list[float]]
    unreached: tuple[str, ...]


def packed(
    structure: Structure,
    forward: ForwardPass,
    gradients: Gradients,
    updates: statistics.Numbers,
    shares: statistics.Numbers,
    step: Mapping[str, Tensor | float],
) -> Sample:
    """updates: columns over all parameters in the structure's order, shares: over those that were reached.

    step: what is known of the step as a whole.
    """
    rows = tuple(rows_of((call.path for call in forward.calls), structure.owners))
    outputs = dict(zip((row.name for row in rows if row.kind == "output"), forward.calls, strict=True))
    numbers = statistics.on_host(
        {
            **{("reached", name): column for name, column in (gradients.columns | shares).items()},
            **{("updates", name): column for name, column in updates.items()},
            **{("output", row, name): x for row, call in outputs.items() for name, x in _shown(call, forward).items()},
            **{("data", f"{key[0]}:{key[1]}", name): x for key, row in forward.data.items() for name, x in row.items()},
            **{("step", name): value for name, value in step.items() if isinstance(value, Tensor)},
            **({("step", "gradient_agreement"): forward.agreement} if forward.agreement is not None else {}),
            **({("targets", "all"): forward.targets} if forward.targets is not None else {}),
        }
    )
    whole = {name: value for name, value in step.items() if not isinstance(value, Tensor)}
    return Sample(
        rows=rows,
        data_rows=tuple(Row(f"{kind}:{name}", kind) for kind, name in forward.data),
        step=whole | _step(numbers),
        layers=_variables(numbers, gradients.reached, tuple(structure.parameters)) | _cells(numbers, "output"),
        data=_cells(numbers, "data"),
        targets=numbers.get(("targets", "all"), []),
        unreached=tuple(path for path in structure.parameters if path not in gradients.reached),
    )


def in_columns(cells: Cells, rows: Sequence[Row], columns: Sequence[str]) -> dict[str, np.ndarray]:
    """The columns in these rows' order, which are the card's, whatever rows this step had."""
    return {
        column: np.array([cells.get(row.name, {}).get(column, np.nan) for row in rows], np.float32)
        for column in columns
    }


def stacked(losses: Sequence[Tensor]) -> list[float]:
    """Batch losses on the host."""
    if not losses:
        return []
    return torch.stack([statistics.as_float(loss).to(losses[0].device) for loss in losses]).tolist()


def _step(numbers: Mapping[tuple, Any]) -> dict[str, float]:
    found = {key[1]: value for key, value in numbers.items() if key[0] == "step"}
    for key in (("reached", "gradient_norm"), ("updates", "update_norm"), ("updates", "weight_norm")):
        if key in numbers:
            found[key[1]] = whole_norm(numbers[key])
    if ("reached", "gradient_nonfinite") in numbers:
        found["gradient_nonfinite"] = sum(numbers["reached", "gradient_nonfinite"])
    return found


def _variables(numbers: Mapping[tuple, Any], reached: Sequence[str], paths: Sequence[str]) -> Cells:
    cells: Cells = {path: {} for path in paths}
    # A step with a NaN or Inf gradient may have been skipped on purpose.
    skipped = {"unchanged_share"} if any(numbers.get(("reached", "gradient_nonfinite"), ())) else set()
    for table, named in (("reached", reached), ("updates", paths)):
        for key in (key for key in numbers if key[0] == table and key[1] not in skipped):
            for path, value in zip(named, numbers[key], strict=True):
                cells[path][key[1]] = value
    return cells


def _cells(numbers: Mapping[tuple, Any], table: str) -> Cells:
    cells: Cells = {}
    for key in (key for key in numbers if key[0] == table):
        cells.setdefault(key[1], {})[key[2]] = numbers[key]
    return cells


def _shown(call: Call, forward: ForwardPass) -> Mapping[str, Tensor]:
    """The numbers of a layer's output, an activation that was called on it as a function included."""
    return call.under.get(forward.activations.get(call.path, ""), call.numbers)

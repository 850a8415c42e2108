"""How do the numbers of a sampled step get to the host? Statistics on any device become the arrays of a Layout."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from torch import Tensor

from tb_lossdiag.recording.layout import OUTPUT_COLUMNS, STEP_NUMBERS, VARIABLE_COLUMNS
from tb_lossdiag.recording.torch.statistics import Numbers, on_host
from tb_lossdiag.recording.torch.updates import Gradients
from tb_lossdiag.run import Row
from tb_lossdiag.schema import DATA_COLUMNS, TARGET_COLUMNS


def tables(
    rows: Sequence[Row],
    paths: Sequence[str],
    gradients: Gradients,
    updates: Numbers,
    outputs: Mapping[str, Numbers],
    data: Sequence[Numbers],
    targets: Tensor | None,
    step: Mapping[str, Tensor | float],
    batch: int,
    histograms: Tensor | None,
) -> dict[str, np.ndarray]:
    """float32 arrays: step [S], variables [V, columns], outputs [O, columns], data [D, columns], targets [U, columns],
    and batch [], the number of examples; histograms [lines, BUCKETS] in a sample that has them. S: STEP_NUMBERS.

    rows: what has a row, variables and outputs. paths: of all parameters, in the order of the updates. outputs: by the
    row's name. step: what is known of the step as a whole.
    """
    numbers = on_host(
        {
            **{("reached", name): column for name, column in gradients.columns.items()},
            **{("updates", name): column for name, column in updates.items()},
            **{("outputs", row, name): x for row, found in outputs.items() for name, x in found.items()},
            **{("data", index, name): x for index, found in enumerate(data) for name, x in found.items()},
            **{("step", name): value for name, value in step.items() if isinstance(value, Tensor)},
            **({("targets",): targets} if targets is not None else {}),
            **({("histograms",): histograms} if histograms is not None else {}),
        }
    )
    whole = {name: value for name, value in step.items() if not isinstance(value, Tensor)} | _of_all(numbers)
    names = [row.name for row in rows if row.kind == "variable"]
    at = {path: index for index, path in enumerate(paths)}
    return {
        "step": np.array([whole.get(name, np.nan) for name in STEP_NUMBERS], np.float32),
        "variables": _variables(numbers, paths, [at[path] for path in gradients.reached])[[at[name] for name in names]],
        "outputs": _table(numbers, "outputs", [row.name for row in rows if row.kind == "output"], OUTPUT_COLUMNS),
        "data": _table(numbers, "data", range(len(data)), DATA_COLUMNS),
        "targets": numbers.get(("targets",), np.zeros((0, len(TARGET_COLUMNS)), np.float32)),
        "batch": np.float32(batch),
        **({"histograms": numbers["histograms",]} if histograms is not None else {}),
    }


def _of_all(numbers: Mapping[tuple, np.ndarray]) -> dict[str, float]:
    """What sums up the whole step; norms over all parameters in float64, NaN where one is."""
    found = {key[1]: float(value) for key, value in numbers.items() if key[0] == "step"}
    for key in (("reached", "gradient_norm"), ("updates", "update_norm"), ("updates", "weight_norm")):
        if key in numbers:
            norms = numbers[key].tolist()
            found[key[1]] = math.nan if any(map(math.isnan, norms)) else math.hypot(*norms)
    if ("reached", "gradient_nonfinite") in numbers:
        found["gradient_nonfinite"] = float(numbers["reached", "gradient_nonfinite"].sum())
    return found


def _variables(numbers: Mapping[tuple, np.ndarray], paths: Sequence[str], reached: list[int]) -> np.ndarray:
    table = np.full((len(paths), len(VARIABLE_COLUMNS)), np.nan, np.float32)
    # A step with a NaN or Inf gradient may have been skipped on purpose.
    broken = numbers.get(("reached", "gradient_nonfinite"), np.zeros(0)).any()
    for index, name in enumerate(VARIABLE_COLUMNS):
        if ("updates", name) in numbers and not (broken and name == "unchanged_share"):
            table[:, index] = numbers["updates", name]
        if ("reached", name) in numbers:
            table[reached, index] = numbers["reached", name]
    return table


def _table(numbers: Mapping[tuple, np.ndarray], kind: str, rows: Iterable, columns: Sequence[str]) -> np.ndarray:
    cells = [[numbers.get((kind, row, name), np.nan) for name in columns] for row in rows]
    return np.array(cells, np.float32).reshape(-1, len(columns))

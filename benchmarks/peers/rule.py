"""How is a published rule asked of a recorded run? A name, a condition that answers in words, the causes it means."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.peers.answer import Answer, Remark, answer
from tb_lossdiag.run import Run, Series, Table


@dataclass(frozen=True)
class Rule:
    """check: None when the rule is quiet or its data are not recorded, else the words for what it found."""

    name: str
    check: Callable[[Run], str | None]
    causes: tuple[str, ...] = ()


def judge(rules: Sequence[Rule], run: Run) -> Answer:
    """The answer of a tool with these rules, its most telling rule first."""
    with np.errstate(all="ignore"):
        found = [(rule, rule.check(run)) for rule in rules]
    return answer(Remark(f"{rule.name}: {words}", rule.causes) for rule, words in found if words is not None)


def first_cell(table: Table | None, column: str, wrong: Callable[[np.ndarray], np.ndarray]) -> str | None:
    """Words for the earliest cell of the column for which `wrong` holds; a missing cell is NaN and never is."""
    if table is None or not table.has(column):
        return None
    values = table.column(column).astype(np.float64)
    hits = np.argwhere(wrong(values))
    if not len(hits):
        return None
    at, row = hits[0]
    return f"{table.rows[row].name} {column} {values[at, row]:.3g} at step {table.steps[at]}"


def variables(run: Run) -> Table | None:
    return None if run.layers is None else run.layers.of_kind("variable")


def kernels(run: Run) -> Table | None:
    """The weight matrices; all variables when none is called a kernel."""
    table = variables(run)
    if table is None:
        return None
    kept = [i for i, row in enumerate(table.rows) if row.name.endswith("kernel")]
    return table.of_rows(kept) if kept else table


def hidden(run: Run) -> Table | None:
    """The outputs of all layers but the last."""
    if run.layers is None:
        return None
    table = run.layers.of_kind("output")
    return table.of_rows(range(len(table.rows) - 1))


def step_loss(run: Run) -> Series:
    return run.steps.get("loss", Series(np.zeros(0, np.int64), np.zeros(0)))

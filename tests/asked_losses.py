"""Runs whose loss was asked again in sampled steps: any loss, one output or several, sound and sick."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import synthetic as s

from tb_lossdiag.run import ModelCard, Row, Run, Series, Table

STEPS = s.layer_table().steps
COLUMNS = ("loss", "loss_shuffled", "loss_shuffled_change", "loss_constant", "loss_least", "gradient_norm")
ALL = (*s.DATA_COLUMNS, *COLUMNS)


def own(**changes) -> ModelCard:
    """The healthy card under a loss that nobody knows by name."""
    return s.card(**{"loss": {"name": "my_loss"}, **changes})


def along(first: float, last: float) -> np.ndarray:
    """float64 [samples]: a decay at the sampled steps, as synthetic.falling without its noise."""
    return last + (first - last) * np.exp(-STEPS / 150)


def noisy(level, share: float = 0.02, seed: int = 0) -> np.ndarray:
    """float64 [samples]: around a level, or a course of them, as batches scatter."""
    return np.asarray(level) * (1 + share * np.random.default_rng(seed).normal(size=len(STEPS)))


def table(outputs: Mapping[str, Mapping[str, object]], targets: Mapping[str, object] | None = None) -> Table:
    """DATA of an input and, for each output, its target and its prediction with these columns."""
    rows, facts = [Row("input:x", "input")], [{"mean": 0.0, "std": 1.0, "diversity": 1.0, "min": -2.0, "max": 2.0}]
    facts[0]["mean"] = s.other_rows(STEPS)
    for name in outputs:
        rows.append(Row(f"target:{name}", "target"))
        facts.append({"mean": 0.5, "std": 0.5, "diversity": 0.6, "min": 0.0, "max": 1.0, **(targets or {})})
    for name, columns in outputs.items():
        rows.append(Row(f"prediction:{name}", "prediction"))
        facts.append({"mean": 0.5, "std": 0.4, "diversity": 0.8, "min": 0.0, "max": 1.0, **columns})
    values = np.full((len(STEPS), len(rows), len(ALL)), np.nan, np.float32)
    for i, known in enumerate(facts):
        for name, value in {"nonfinite": 0.0, **known}.items():
            values[:, i, ALL.index(name)] = value
        if rows[i].kind == "target":
            values[:, i, ALL.index("mean")] += s.other_rows(STEPS)
    return Table(STEPS, tuple(rows), ALL, values, len(STEPS))


def run(loss, references: Mapping[str, object], targets=None, card: ModelCard | None = None, **changes) -> Run:
    """One output. loss: of every step; references: columns of the prediction, "loss" read off the curve if missing."""
    at = np.asarray(loss)[STEPS - 1]
    data = table({"output": {"loss": at, **references}}, targets)
    known = {"card": own() if card is None else card, "data": data, "targets": None, "steps": s.loss(loss)}
    return s.healthy(**{**known, **changes})


def guessing(level: float = 1.0, **changes) -> Run:
    """Outputs that differ and say nothing of their examples: shuffled, they score the same."""
    loss = s.flat(level, 0.02 * level)
    at = loss[STEPS - 1]
    references = {"loss_shuffled": noisy(at, 0.01), "loss_constant": noisy(at, 0.005, 1), "loss_shuffled_change": 0.05}
    return run(loss, references | changes.pop("references", {}), **changes)


def learned(first: float = 1.0, last: float = 0.2, **changes) -> Run:
    """Outputs that come to belong to their examples; least 0."""
    loss = s.falling(first, last, 0.02)
    references = {
        "loss_shuffled": noisy(along(first, 2 * first)),
        "loss_constant": noisy(np.full(len(STEPS), first), 0.02, 1),
        "loss_shuffled_change": 0.8,
        "loss_least": 0.0,
    }
    return run(loss, references | changes.pop("references", {}), **changes)


def floored(level: float = 1.2, guess: float = 3.0, **changes) -> Run:
    """A loss that came down to its floor, which nobody knows, and lies there."""
    loss = s.flat(level, 0.01)
    references = {"loss_shuffled": noisy(np.full(len(STEPS), guess)), "loss_shuffled_change": 1.5}
    return run(loss, references | changes.pop("references", {}), **changes)


def heads(first: Mapping[str, object], second: Mapping[str, object], loss=None, targets=None, **changes) -> Run:
    """Two outputs, "a" and "b", each with these columns; loss: of the sum."""
    data = table({"a": first, "b": second}, targets)
    loss = s.falling(1600.0, 10.0, 5.0) if loss is None else loss
    card = own(loss={"name": "my_loss", "outputs": [{"name": "binary_crossentropy"}, {"name": "mean_squared_error"}]})
    return s.healthy(**{"card": card, "data": data, "targets": None, "steps": s.loss(loss), **changes})


def at_chance(level: float = 0.69) -> dict[str, object]:
    return {"loss": noisy(np.full(len(STEPS), level)), "loss_shuffled": noisy(np.full(len(STEPS), level), 0.02, 1),
            "loss_constant": noisy(np.full(len(STEPS), level), 0.01, 2), "loss_shuffled_change": 0.03}  # fmt: skip


def well(first: float = 1600.0, last: float = 10.0) -> dict[str, object]:
    return {"loss": noisy(along(first, last)), "loss_shuffled": 2 * first, "loss_constant": first,
            "loss_shuffled_change": 0.9, "loss_least": 0.0}  # fmt: skip


def with_terms(run: Run, terms: Mapping[str, object], pulls: Mapping[str, float] | None = None) -> Run:
    """The run with terms of its loss; pulls: the norm of each one's gradient."""
    rows = tuple(Row(f"loss:{name}", "loss") for name in terms)
    base = run.data if run.data is not None and "gradient_norm" in run.data.columns else table({})
    data = s.with_rows(base, rows)
    values = data.values.copy()
    for i, (name, value) in enumerate(terms.items(), len(base.rows)):
        values[:, i, ALL.index("mean")] = value
        if pulls is not None:
            values[:, i, ALL.index("gradient_norm")] = pulls[name]
    return replace(run, data=replace(data, values=values))


def sampled(**columns) -> dict[str, Series]:
    """Step series at the sampled steps."""
    return {name: Series(STEPS, np.broadcast_to(np.asarray(value, float), len(STEPS)).copy(), len(STEPS))
            for name, value in columns.items()}  # fmt: skip

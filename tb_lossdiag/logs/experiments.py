"""Which run directories belong to one training? exp/train, exp/validation and exp/diagnostics are one: exp."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tb_lossdiag import schema

ROOT = "."  # TensorBoard's name for the log directory itself

# Last part of a run name -> its role in the experiment. Where two directories share a role, the earlier word wins.
ROLES = {
    schema.RUN_DIRECTORY: "diagnostics",
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "evaluation": "validation",
    "eval": "validation",
    "dev": "validation",
    "test": "validation",
}
_RANKS = {word: rank for rank, word in enumerate(ROLES)}


@dataclass(frozen=True)
class Experiment:
    """One training.

    runs: role -> TensorBoard run; "own" is the run that has the experiment's name itself.
    stamp: differs from an earlier one when the experiment's data do.
    """

    name: str
    runs: dict[str, str] = field(default_factory=dict)
    stamp: tuple = ()


def group(run_names: Iterable[str]) -> dict[str, Experiment]:
    r"""{experiment name: Experiment}, sorted by name. Run names are split on / and \, whatever the system."""
    grouped: dict[str, dict[str, str]] = {}
    for run in sorted(run_names, key=lambda run: (_RANKS.get(_split(run)[1], 0), run)):
        parent, last = _split(run)
        role = ROLES.get(last)
        name = run if role is None else parent or ROOT
        grouped.setdefault(name, {}).setdefault(role or "own", run)
    return {name: Experiment(name, grouped[name]) for name in sorted(grouped)}


def possible_runs(name: str) -> list[str]:
    """Every run name that `group` would put into the experiment of this name."""
    if name == ROOT:
        return [ROOT, *ROLES]
    return [name, *(f"{name}{separator}{word}" for separator in "/\\" for word in ROLES)]


def _split(run: str) -> tuple[str, str]:
    *parent, last = re.split(r"[/\\]", run)
    return run[: -len(last) - 1] if parent else "", last

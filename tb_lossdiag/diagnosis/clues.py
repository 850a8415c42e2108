"""How does a cause read the checks? Small questions that answer with evidence, or with nothing.

A Clue takes the Findings and returns the evidence that answers yes, () for a plain yes, or None for no.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import Run


@dataclass(frozen=True)
class Findings:
    """What the causes argue over: the run, every check by id, and how the training went."""

    run: Run
    checks: Mapping[str, Check]
    outcome: str


Clue = Callable[[Findings], tuple[Evidence, ...] | None]


def found(check: str, **signs: Any) -> Clue:
    """The check found something, and its signs have these values (or one of them, or satisfy this predicate)."""
    return lambda f: f.checks[check].evidence if f.checks[check].found and _fits(f.checks[check], signs) else None


def shows(check: str, **signs: Any) -> Clue:
    """The check ran, whatever its state, and its signs have these values."""
    return lambda f: (
        f.checks[check].evidence if _fits(f.checks[check], signs) and f.checks[check].state != "not_run" else None
    )


def clear_of(check: str) -> Clue:
    """The check ran and found nothing: evidence that speaks the other way."""
    return lambda f: f.checks[check].evidence if f.checks[check].state == "not_found" else None


def ended(*outcomes: str) -> Clue:
    """The training ended in one of these states. Silent: the verdict says it already."""
    return lambda f: () if f.outcome in outcomes else None


def any_of(*clues: Clue) -> Clue:
    """The first clue that answers yes."""
    return lambda f: next((e for e in (clue(f) for clue in clues) if e is not None), None)


def all_of(*clues: Clue) -> Clue:
    """Yes only when every clue answers yes, with all their evidence."""

    def clue(f: Findings) -> tuple[Evidence, ...] | None:
        answers = [one(f) for one in clues]
        return None if any(answer is None for answer in answers) else tuple(e for answer in answers for e in answer)

    return clue


def unless(one: Clue) -> Clue:
    """A plain yes where the clue answers no: what must not be so, for a cause to be considered at all."""
    return lambda f: () if one(f) is None else None


def fact(question: Callable[[Run], str | None]) -> Clue:
    """A sentence about the run itself, None for no."""

    def clue(f: Findings) -> tuple[Evidence, ...] | None:
        text = question(f.run)
        return (Evidence(text),) if text else None

    return clue


def before(first: str, second: str) -> Clue:
    """One check's onset comes before another's, in a log where both have one."""

    def clue(f: Findings) -> tuple[Evidence, ...] | None:
        a, b = f.checks[first], f.checks[second]
        if not (a.found and b.found) or a.onset is None or b.onset is None or a.onset >= b.onset:
            return None
        return (Evidence(f"{a.title} crossed its threshold at step {a.onset}, {b.title} followed at step {b.onset}."),)

    return clue


def _fits(check: Check, signs: Mapping[str, Any]) -> bool:
    return all(_matches(check.sign(name), wanted) for name, wanted in signs.items())


def _matches(value: Any, wanted: Any) -> bool:
    if callable(wanted):
        return value is not None and bool(wanted(value))
    return value in wanted if isinstance(wanted, tuple) else value == wanted

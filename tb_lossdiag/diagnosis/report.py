"""What does a diagnosis say? Check, Evidence, Cause, Fix, Verdict and the Report that holds them.

Report.to_json() is the wire format of the command line and of the Diagnostics tab: canonical, so that one log gives
one text, byte for byte.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

STATES = ("found", "not_found", "inconclusive", "not_run")
VERDICTS = (
    "nonfinite",
    "diverging",
    "never_learned",
    "stalled",
    "overfitting",
    "slow",
    "inconclusive",
    "learning",
    "converged",
)
SEVERITIES = ("critical", "warning", "note")
CONFIDENCES = ("confirmed", "likely", "possible", "ruled_out")


@dataclass(frozen=True)
class Evidence:
    """One measured fact.

    text: a sentence with the number in it. value, threshold: what was compared, in `unit`; None when nothing was.
    source: where the threshold comes from. layers: row or layer names. steps: first and last step it was seen at.
    """

    text: str
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    source: str = ""
    layers: tuple[str, ...] = ()
    steps: tuple[int, int] | None = None


@dataclass(frozen=True)
class Check:
    """One symptom looked for, whatever came of it.

    state: one of STATES. onset: the first step at which it crossed and stayed; None when it has none.
    needs: for "not_run" and "inconclusive", what to log or wait for.
    signs: finer facts for the causes to read, name -> number or text, such as {"direction": "vanishing"}.
    """

    id: str
    title: str
    state: str
    evidence: tuple[Evidence, ...] = ()
    onset: int | None = None
    layers: tuple[str, ...] = ()
    needs: str = ""
    signs: tuple[tuple[str, Any], ...] = ()

    @property
    def found(self) -> bool:
        return self.state == "found"

    def sign(self, name: str, default: Any = None) -> Any:
        return dict(self.signs).get(name, default)


@dataclass(frozen=True)
class Fix:
    """What to do: one sentence, and code in the user's own names ("" when there is none to write)."""

    text: str
    code: str = ""


@dataclass(frozen=True)
class Cause:
    """One explanation, argued.

    layers: names to look at. steps: the span in which it acted. test: what would settle it.
    right: in how many calibration runs it was right, of how many that named it first with this confidence; None when
        there was none.
    stands_alone: whether facts of the data or the settings speak for it that no other fault brings about, so that
        mending another cause leaves this one.
    """

    id: str
    title: str
    confidence: str
    severity: str
    evidence_for: tuple[Evidence, ...] = ()
    evidence_against: tuple[Evidence, ...] = ()
    onset: int | None = None
    layers: tuple[str, ...] = ()
    steps: tuple[int, int] | None = None
    test: str = ""
    fix: Fix = Fix("")
    right: tuple[int, int] | None = None
    stands_alone: bool = False


@dataclass(frozen=True)
class Verdict:
    """The answer in one line.

    cause: id of the first cause, None when nothing is wrong or nothing explains it. action: what to do next, in words.
    """

    state: str
    headline: str
    cause: str | None = None
    action: str = ""


@dataclass(frozen=True)
class Signal:
    """A place in the order of events: when a check crossed its threshold and stayed beyond it.

    last: the last step its evidence was seen at, None when it has none. causes: ids of the standing causes that it
        speaks for.
    """

    check: str
    title: str
    onset: int
    last: int | None
    layers: tuple[str, ...]
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """All of it, for one run.

    causes: ranked, ruled-out ones last. checks: every check in a fixed order, all four states.
    notes: what was skipped while reading, or could not be recorded. facts: reference values the page
        draws, such as the constant-guess loss.
    """

    run: str
    verdict: Verdict
    causes: tuple[Cause, ...] = ()
    checks: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[tuple[str, Any], ...] = ()

    @property
    def symptoms(self) -> tuple[Check, ...]:
        """The checks that found something."""
        return tuple(check for check in self.checks if check.found)

    @property
    def first(self) -> Cause | None:
        """The cause that the verdict names."""
        return next((cause for cause in self.causes if cause.id == self.verdict.cause), None)

    @property
    def timeline(self) -> tuple[Signal, ...]:
        """What was found and when it began, earliest first."""
        dated = [check for check in self.symptoms if check.onset is not None]
        return tuple(self._signal(check) for check in sorted(dated, key=lambda check: check.onset))

    def _signal(self, check: Check) -> Signal:
        told = set(check.evidence)
        causes = tuple(c.id for c in self.causes if c.confidence != "ruled_out" and told.intersection(c.evidence_for))
        last = max((e.steps[1] for e in check.evidence if e.steps), default=None)
        return Signal(check.id, check.title, check.onset, last, check.layers, causes)

    @property
    def severity(self) -> str:
        """The gravest severity among causes not ruled out; "none" when there is none."""
        grave = [SEVERITIES.index(c.severity) for c in self.causes if c.confidence != "ruled_out"]
        return SEVERITIES[min(grave)] if grave else "none"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-able data; non-finite numbers become the strings "NaN", "Infinity", "-Infinity"."""
        value = asdict(self)
        value["facts"] = dict(self.facts)
        value["severity"] = self.severity
        value["symptoms"] = [check.id for check in self.symptoms]
        value["timeline"] = [asdict(signal) for signal in self.timeline]
        for check in value["checks"]:
            check["signs"] = dict(check["signs"])
        return _wire(value)

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False, allow_nan=False)


def _wire(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _wire(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_wire(part) for part in value]
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    value = float(value)
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def undiagnosed(run: str, error: Exception) -> Report:
    """The report on a run that could not be read or diagnosed, and why."""
    reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return Report(run, Verdict("inconclusive", f"This run could not be diagnosed: {reason}"), notes=(reason,))

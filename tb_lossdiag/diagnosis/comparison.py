"""What is different between these runs? Findings that appeared, went or got worse, and settings that are not the same.

Everything is told against the first run, the baseline.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tb_lossdiag.diagnosis.report import CONFIDENCES, SEVERITIES, Cause, Report
from tb_lossdiag.diagnosis.setup import Group

CHANGES = ("appeared", "worse", "went", "better", "same")


@dataclass(frozen=True)
class FindingChange:
    """One cause in all compared runs.

    causes: per run the cause as it stands there, None where it does not (or is ruled out). changes: per run one of
    CHANGES against the baseline; None for the baseline itself and where neither has it.
    """

    id: str
    title: str
    causes: tuple[Cause | None, ...]
    changes: tuple[str | None, ...]


@dataclass(frozen=True)
class SettingChange:
    """One setting that is not the same everywhere. values: per run, None where it is not set or not known."""

    group: str
    label: str
    values: tuple[str | int | float | None, ...]


def compare_findings(reports: Sequence[Report]) -> tuple[FindingChange, ...]:
    """Every cause that stands in one of the runs, the gravest change first."""
    standing = [{c.id: c for c in report.causes if c.confidence != "ruled_out"} for report in reports]
    titles = {cause.id: cause.title for found in standing for cause in found.values()}
    changes = []
    for id, title in titles.items():
        causes = tuple(found.get(id) for found in standing)
        changes.append(FindingChange(id, title, causes, (None, *(_change(causes[0], c) for c in causes[1:]))))
    return tuple(sorted(changes, key=_order))


def compare_settings(setups: Sequence[tuple[Group, ...]]) -> tuple[SettingChange, ...]:
    """Every setting that differs, group by group; a run of which none is known differs in nothing."""
    known = [{(group.title, label): value for group in groups for label, value in group.facts} for groups in setups]
    places = dict.fromkeys(place for settings in known for place in settings)
    groups = list(dict.fromkeys(group for group, _ in places))
    ordered = sorted(places, key=lambda place: groups.index(place[0]))
    rows = ((place, tuple(settings.get(place) for settings in known)) for place in ordered)
    return tuple(SettingChange(*place, values) for place, values in rows if _differs(values, known))


def _differs(values: tuple, known: Sequence[dict]) -> bool:
    return len({value for value, settings in zip(values, known, strict=True) if settings}) > 1


def _change(before: Cause | None, now: Cause | None) -> str | None:
    if before is None or now is None:
        return "appeared" if now else "went" if before else None
    if _gravity(now) == _gravity(before):
        return "same"
    return "worse" if _gravity(now) < _gravity(before) else "better"


def _gravity(cause: Cause) -> tuple[int, int]:
    """Smaller is worse: graver, or as grave and surer."""
    return SEVERITIES.index(cause.severity), CONFIDENCES.index(cause.confidence)


def _order(change: FindingChange) -> tuple:
    told = [CHANGES.index(each) for each in change.changes if each is not None]
    return min(told, default=len(CHANGES)), min(_gravity(c) for c in change.causes if c is not None), change.id

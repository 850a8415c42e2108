"""What is different between these runs? The comparison of their reports and cards in the shape of http_api.md."""

from collections.abc import Sequence
from typing import Any

from tb_lossdiag.diagnosis.comparison import compare_findings, compare_settings
from tb_lossdiag.diagnosis.report import Cause, Report
from tb_lossdiag.diagnosis.setup import setup
from tb_lossdiag.plugin.difference import as_difference
from tb_lossdiag.plugin.readings import Reading
from tb_lossdiag.plugin.statistics import Statistic, statistics_of
from tb_lossdiag.run import Run


def comparison_payload(readings: Sequence[Reading]) -> dict[str, Any]:
    """readings: two or more, the baseline first."""
    reports = [reading.report for reading in readings]
    return {
        "runs": [report.run for report in reports],
        "verdicts": [_verdict(report) for report in reports],
        "findings": [
            {
                "id": change.id,
                "title": change.title,
                "changes": list(change.changes),
                "standings": [_standing(cause) for cause in change.causes],
            }
            for change in compare_findings(reports)
        ],
        "settings": [
            {"group": change.group, "label": change.label, "values": list(change.values)}
            for change in compare_settings([setup(reading.run.card) for reading in readings])
        ],
        "statistics": [
            {"id": s.id, "label": s.label, "unit": s.unit, "kind": s.kind, "scale": s.scale, "healthy": s.healthy}
            for s in map(as_difference, common_statistics([reading.run for reading in readings]))
        ],
    }


def common_statistics(runs: Sequence[Run]) -> list[Statistic]:
    """The layer statistics that all of the runs recorded, as the first has them."""
    first, *others = [statistics_of(run.layers) for run in runs]
    return [s for s in first if all(s.id in {t.id for t in other} for other in others)]


def _verdict(report: Report) -> dict[str, Any]:
    return {
        "state": report.verdict.state,
        "severity": report.severity,
        "headline": report.verdict.headline,
        "cause_title": report.first.title if report.first else "",
    }


def _standing(cause: Cause | None) -> dict[str, str] | None:
    return None if cause is None else {"confidence": cause.confidence, "severity": cause.severity}

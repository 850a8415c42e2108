"""What is different between these runs? The comparison of their reports and cards in the shape of http_api.md."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tb_lossdiag.diagnosis.comparison import compare_findings, compare_settings
from tb_lossdiag.diagnosis.report import Cause, Report
from tb_lossdiag.diagnosis.setup import setup
from tb_lossdiag.plugin.difference import as_difference
from tb_lossdiag.plugin.reading import Reading
from tb_lossdiag.plugin.statistics import Statistic


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
        "statistics": [asdict(as_difference(statistic)) for statistic in common_statistics(readings)],
    }


def common_statistics(readings: Sequence[Reading]) -> list[Statistic]:
    """The layer statistics that all of the runs recorded, as the first has them."""
    first, *others = [reading.statistics for reading in readings]
    return [statistic for statistic in first if all(statistic.id in {s.id for s in other} for other in others)]


def _verdict(report: Report) -> dict[str, Any]:
    return {
        "state": report.verdict.state,
        "severity": report.severity,
        "headline": report.verdict.headline,
        "cause_title": report.first.title if report.first else "",
    }


def _standing(cause: Cause | None) -> dict[str, str] | None:
    return None if cause is None else {"confidence": cause.confidence, "severity": cause.severity}

"""From a Run to a Report: look for every symptom, judge the outcome, argue the causes, rank them."""

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.foreign_targets import without_foreign_targets
from tb_lossdiag.diagnosis.gaps import gaps
from tb_lossdiag.diagnosis.outcome import outcome
from tb_lossdiag.diagnosis.ranking import rank
from tb_lossdiag.diagnosis.report import Check, Report
from tb_lossdiag.diagnosis.symptoms import SYMPTOMS
from tb_lossdiag.diagnosis.verdict import verdict
from tb_lossdiag.run import Run


def diagnose_run(run: Run) -> Report:
    """The report on one training. Pure: the same run gives the same report, byte for byte."""
    run, foreign = without_foreign_targets(run)
    checks = {symptom.ID: _checked(symptom, run) for symptom in SYMPTOMS}
    findings = Findings(run, checks, outcome(run, checks))
    causes, failed = rank(findings)
    facts = (
        ("constant_loss", checks["skill"].sign("constant_loss")),
        ("shuffled_loss", checks["skill"].sign("shuffled_loss")),
        ("last_step", run.last_step),
        ("restarts", list(run.restarts)),
    )
    notes = (*run.skipped, *gaps(run), *foreign, *failed)
    return Report(run.name, verdict(findings, causes), causes, tuple(checks.values()), notes, facts)


def _checked(symptom, run: Run) -> Check:
    """One broken check must not take the report down; it says so in its place."""
    try:
        return symptom.check(run)
    except Exception as error:
        return Check(
            symptom.ID, symptom.TITLE, "inconclusive", needs=f"this check failed: {type(error).__name__}: {error}"
        )

"""Which explanation comes first? Candidates become causes with a confidence, a severity and a place in the order.

Ordinal, not a probability: likely needs everything required, at least two arguments and nothing against; a cause that
another likely cause explains, and that began no earlier, steps back behind it.
"""

from dataclasses import replace

from tb_lossdiag.diagnosis import fixes
from tb_lossdiag.diagnosis.accuracy import is_mostly_right
from tb_lossdiag.diagnosis.causes import CANDIDATES
from tb_lossdiag.diagnosis.causes.candidate import ANOTHER_FAULT, Candidate
from tb_lossdiag.diagnosis.clues import Clue, Findings
from tb_lossdiag.diagnosis.framework import spoken
from tb_lossdiag.diagnosis.outcome import FAILED, HINDERED, LONGER_PATIENCE, PROGRESSING, is_young, still_climbs
from tb_lossdiag.diagnosis.reliability import RIGHT
from tb_lossdiag.diagnosis.report import CONFIDENCES, SEVERITIES, Cause, Evidence
from tb_lossdiag.diagnosis.settings import ran_as_planned
from tb_lossdiag.diagnosis.standing import LITTLE

# Required evidence plus this many arguments make a cause likely.
ARGUMENTS = 2


def rank(findings: Findings) -> tuple[tuple[Cause, ...], tuple[str, ...]]:
    """All causes worth showing, best explanation first, ruled-out ones last; and which could not be argued, and why."""
    argued, failed = [], []
    for candidate in CANDIDATES:
        try:
            argued.append(_argue(candidate, findings))
        except Exception as error:  # one broken cause must not take the others down
            failed.append(f"{candidate.title}: could not be argued ({type(error).__name__}: {error})")
    return _ordered(_one_per_id([pair for pair in argued if pair is not None])), tuple(failed)


def _ordered(argued: list[tuple[Candidate, Cause]]) -> tuple[Cause, ...]:
    """Best explanation first; a cause steps back behind the first standing one that explains it."""
    standing: list[tuple[Candidate, Cause]] = []
    settled = []
    for candidate, cause in sorted(argued, key=_order):
        explanation = next((other for other in standing if _explains(*other, candidate, cause)), None)
        if explanation is None:
            standing.append((candidate, cause))
        settled.append((candidate, _stepped_back(cause, explanation[1]) if explanation else cause))
    ordered = (cause for _, cause in sorted(settled, key=_order))
    return tuple(replace(cause, right=RIGHT.get((cause.id, cause.confidence))) for cause in ordered)


def _argue(candidate: Candidate, findings: Findings) -> tuple[Candidate, Cause] | None:
    required = [clue(findings) for clue in candidate.requires]
    if any(answer is None for answer in required):
        return None
    evidence_for, arguments = _gather(required, candidate.supports, findings)
    stands_alone = any(clue(findings) is not None for clue in candidate.stands_by)
    contradicts = tuple(clue for clue in candidate.contradicts if not (stands_alone and clue is ANOTHER_FAULT))
    evidence_against, counter = _gather([], contradicts, findings)
    likely = not counter and (arguments >= ARGUMENTS or candidate.certain or not candidate.supports)
    confidence = "likely" if likely else "ruled_out" if counter > arguments + 1 else "possible"
    source = findings.checks[candidate.points_at] if candidate.points_at else None
    steps = [e.steps for e in evidence_for if e.steps]
    cause = Cause(
        id=candidate.id,
        title=candidate.title,
        confidence=confidence,
        severity=_severity(candidate, confidence, stands_alone, findings),
        evidence_for=evidence_for,
        evidence_against=evidence_against,
        onset=source.onset if source is not None else min((s[0] for s in steps), default=None),
        layers=source.layers if source is not None else (),
        steps=(min(s[0] for s in steps), max(s[1] for s in steps)) if steps else None,
        test=spoken(candidate.test, findings.run),
        fix=fixes.written(candidate.fix, findings),
        stands_alone=stands_alone,
    )
    return candidate, cause


def _gather(required: list, clues: tuple[Clue, ...], findings: Findings) -> tuple[tuple[Evidence, ...], int]:
    """Distinct evidence in order, and how many of `clues` answered yes."""
    answers = [answer for answer in (clue(findings) for clue in clues) if answer is not None]
    told = dict.fromkeys(evidence for answer in [*required, *answers] for evidence in answer)
    return tuple(told), len(answers)


def _severity(candidate: Candidate, confidence: str, stands_alone: bool, findings: Findings) -> str:
    """How bad the outcome is, not how sure the cause is; a merely possible cause is one step milder.

    A run that learns, or stalled where its data may end, is accused only by a cause that says up to which skill it may.
    """
    outcome, likely = findings.outcome, confidence == "likely"
    if candidate.certain:
        return "critical" if outcome in FAILED else "warning"
    if outcome in FAILED:
        return "critical" if likely else "warning"
    skill = findings.checks["skill"].sign("skill")
    if outcome == "stalled" and skill is not None and skill >= candidate.good_enough:
        return "note"
    # Over, and nobody can say what it came to: a setting that no other fault brings about may be accused all the same.
    if outcome == "inconclusive" and likely and stands_alone and ran_as_planned(findings.run):
        return "warning"
    if outcome in PROGRESSING and is_young(findings.run, LONGER_PATIENCE):
        return "note"
    if outcome in PROGRESSING and still_climbs(findings.run, findings.checks):
        return "note"
    if outcome in PROGRESSING:
        poor = candidate.accuses_learning and skill is not None and skill < candidate.good_enough
        # A few losses of hundreds make up the mean where hardly an answer is wrong.
        few_are_far_out = poor and skill < LITTLE and is_mostly_right(findings.run)
        return "warning" if likely and poor and not few_are_far_out else "note"
    return "warning" if likely and outcome in HINDERED else "note"


def _one_per_id(argued: list[tuple[Candidate, Cause]]) -> list[tuple[Candidate, Cause]]:
    best: dict[str, tuple[Candidate, Cause]] = {}
    for pair in argued:
        if pair[1].id not in best or _order(pair) < _order(best[pair[1].id]):
            best[pair[1].id] = pair
    return list(best.values())


def _explains(other: Candidate, explanation: Cause, candidate: Candidate, cause: Cause) -> bool:
    """Whether a likely cause that stands accounts for this one, which has no facts of its own, and began no later."""
    if cause.stands_alone and cause.confidence == "likely":
        return False
    if explanation.confidence != "likely" or not (candidate.id in other.explains or "*" in other.explains):
        return False
    return cause.onset is None or explanation.onset is None or explanation.onset <= cause.onset


def _stepped_back(cause: Cause, explanation: Cause) -> Cause:
    because = Evidence(f"{explanation.title} comes first and explains this.", layers=explanation.layers)
    confidence = "ruled_out" if cause.confidence == "ruled_out" else "possible"
    return replace(cause, confidence=confidence, severity="note", evidence_against=(*cause.evidence_against, because))


def _order(pair: tuple[Candidate, Cause]) -> tuple:
    """Among causes that are likely the more specific one is first; among others one with facts of its own.

    What is only possible mostly follows from the first cause: a fact of the settings that no fault brings about does
    not, and is the likelier second fault.
    """
    candidate, cause = pair
    return (
        CONFIDENCES.index(cause.confidence),
        SEVERITIES.index(cause.severity),
        cause.confidence == "possible" and not cause.stands_alone,
        -candidate.weight,
        not cause.stands_alone,
        len(cause.evidence_against) - len(cause.evidence_for),
        cause.id,
    )

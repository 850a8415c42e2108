"""What is the answer in one sentence? State, the number that shows it, and the first cause."""

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.headline import headline
from tb_lossdiag.diagnosis.outcome import is_young
from tb_lossdiag.diagnosis.report import Cause, Verdict

WORDS = {
    "nonfinite": "The training broke: NaN or Inf",
    "diverging": "The loss rises",
    "never_learned": "The model has learned nothing",
    "stalled": "The loss got stuck",
    "overfitting": "The model memorises the training data",
    "slow": "The model learns far too slowly",
    "inconclusive": "Too little to judge by",
    "learning": "The model is learning",
    "converged": "The model has converged",
}
# The check whose first sentence carries the number for a state.
NUMBER = {
    "nonfinite": "nonfinite",
    "diverging": "flatness",
    "never_learned": "skill",
    "stalled": "flatness",
    "overfitting": "generalization_gap",
    "slow": "skill",
    "learning": "skill",
    "converged": "skill",
}
# What to do next where no cause says it.
ACTIONS = {
    "inconclusive": "Let it train on: the answer comes with more steps, or with what the open checks need.",
    "learning": "Nothing to do: let it train on.",
    "converged": "Nothing to do.",
}
UNEXPLAINED = "No known cause fits. The checks that were not run say what to log to look further."


def verdict(findings: Findings, causes: tuple[Cause, ...]) -> Verdict:
    state = findings.outcome
    first = next((cause for cause in causes if cause.confidence != "ruled_out" and cause.severity != "note"), None)
    sentence = WORDS[state] + "."
    special = headline(findings)
    if special is not None:
        return Verdict(state, special, first.id if first else None, _action(state, first, causes))
    check = findings.checks.get(_number(findings))
    told = check is not None and check.evidence
    if state == "inconclusive" and (not told or is_young(findings.run)):
        sentence = f"{WORDS[state]}: {'; '.join(_missing(findings))}."
    elif told:
        sentence = f"{WORDS[state]}. {check.evidence[0].text}"
    return Verdict(state, sentence, first.id if first else None, _action(state, first, causes))


def _action(state: str, first: Cause | None, causes: tuple[Cause, ...]) -> str:
    """The fix of the first cause; where none is accused, the one that may explain a state that asks for one."""
    if first is None and state in ACTIONS:
        return ACTIONS[state]
    standing = (cause for cause in causes if cause.confidence != "ruled_out" and cause.fix.text)
    return (first.fix.text if first else "") or next((cause.fix.text for cause in standing), UNEXPLAINED)


def _number(findings: Findings) -> str:
    if findings.outcome == "never_learned" and findings.checks["metric_frozen"].found:
        return "metric_frozen"
    wanted = NUMBER.get(findings.outcome, "")
    return wanted if wanted and findings.checks[wanted].evidence else "flatness"


def _missing(findings: Findings) -> list[str]:
    """What the trend and the skill would need to say more."""
    if is_young(findings.run):
        steps = findings.run.last_step
        return [f"{steps} {'step is' if steps == 1 else 'steps are'} too few to call a loss stuck"]
    needs = [findings.checks[name].needs for name in ("flatness", "skill") if findings.checks[name].needs]
    return needs or ["the loss shows no clear direction yet"]

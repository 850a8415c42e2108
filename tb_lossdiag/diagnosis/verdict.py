"""What is the answer in one sentence? State, the number that shows it, and the first cause."""

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.headline import headline
from tb_lossdiag.diagnosis.outcome import is_young
from tb_lossdiag.diagnosis.report import Cause, Check, Verdict

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
# The checks whose first sentence may carry the number for a state, the first that has one speaks.
NUMBER = {
    "nonfinite": ("nonfinite", "flatness"),
    "diverging": ("flatness", "divergence"),
    "never_learned": ("metric_frozen", "skill", "flatness"),
    "stalled": ("flatness",),
    "overfitting": ("generalization_gap", "flatness"),
    "slow": ("skill", "flatness"),
    "inconclusive": ("flatness",),
    "learning": ("skill", "flatness"),
    "converged": ("skill", "flatness"),
}
# What the trend may say beside a state without contradicting it.
AGREES = {
    "diverging": ("rising",),
    "never_learned": ("flat", "unclear"),
    "stalled": ("flat",),
    "slow": ("falling", "flat", "unclear"),
    "learning": ("falling", "unclear"),
    "converged": ("flat", "falling"),
}
# These say what the state says only where they found something.
MUST_HAVE_FOUND = ("metric_frozen", "divergence")
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
    check = _speaking(findings)
    told = check is not None
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
    text = (first.fix.text if first else "") or next((cause.fix.text for cause in standing), UNEXPLAINED)
    second = next((cause for cause in causes if cause is not first and _stands_beside(cause, first)), None)
    return f"{text} That alone is not enough, there is a second fault: {second.fix.text}" if second else text


def _stands_beside(cause: Cause, first: Cause | None) -> bool:
    """Whether it will be there still when the first is mended."""
    grave = cause.confidence == "likely" and cause.severity != "note" and bool(cause.fix.text)
    return first is not None and grave and cause.stands_alone


def _speaking(findings: Findings) -> Check | None:
    """The check whose sentence stands behind the state's own words; None where none fits them."""
    checks = (findings.checks[name] for name in NUMBER[findings.outcome])
    return next((check for check in checks if check.evidence and _agrees(check, findings.outcome)), None)


def _agrees(check: Check, state: str) -> bool:
    if check.id in MUST_HAVE_FOUND:
        return check.found
    return check.id != "flatness" or check.sign("direction") in AGREES.get(state, (check.sign("direction"),))


def _missing(findings: Findings) -> list[str]:
    """What the trend and the skill would need to say more."""
    if is_young(findings.run):
        steps = findings.run.last_step
        return [f"{steps} {'step is' if steps == 1 else 'steps are'} too few to call a loss stuck"]
    needs = [findings.checks[name].needs for name in ("flatness", "skill") if findings.checks[name].needs]
    return needs or ["the loss shows no clear direction yet"]

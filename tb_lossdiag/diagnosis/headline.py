"""Which answers need a sentence of their own, as their state says them too coarsely?"""

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.outcome import CAME_DOWN, is_young

BOUNDS = {
    "impossible": "The loss is below what it can be.",
    "runaway": "The loss has no bound.",
    "inverted": "The loss rewards wrong answers.",
}
BEHIND = "One output has learned nothing."
OPEN = "The model beats a guess; whether it can get further is not known."
ENDLESS = "The loss falls below 0 as fast as ever; whether that is learning is not known."
STILL = "The loss came down and lies still; whether it can get lower is not known."


def headline(findings: Findings) -> str | None:
    """The sentence and its number; None where the state's own words do."""
    checks, state = findings.checks, findings.outcome
    bound, skill = checks.get("loss_bound"), checks.get("skill")
    if state == "diverging" and bound is not None and bound.found:
        return f"{BOUNDS[bound.sign('level')]} {bound.evidence[0].text}"
    if state == "stalled" and skill is not None and skill.sign("behind") is not None:
        return f"{BEHIND} {skill.evidence[0].text}"
    if state == "inconclusive" and skill is not None and skill.sign("level") == "open" and not is_young(findings.run):
        return f"{OPEN} {skill.evidence[0].text}"
    if state == "inconclusive" and bound is not None and bound.sign("level") == "steady":
        return f"{ENDLESS} {bound.evidence[0].text}"
    trend = checks.get("flatness")
    lies_still = trend is not None and trend.sign("direction") == "flat" and trend.sign("fallen", 0.0) > CAME_DOWN
    if state == "inconclusive" and lies_still and not is_young(findings.run):
        return f"{STILL} {trend.evidence[0].text}"
    return None

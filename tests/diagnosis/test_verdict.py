import pytest
import synthetic as s

from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.report import VERDICTS, Cause, Check, Evidence, Fix
from tb_lossdiag.diagnosis.symptoms import flatness
from tb_lossdiag.diagnosis.verdict import ACTIONS, AGREES, MUST_HAVE_FOUND, NUMBER, UNEXPLAINED, WORDS, verdict

CHECKS = ("nonfinite", "flatness", "skill", "metric_frozen", "generalization_gap", "divergence")


def findings(outcome, found=(), silent=(), needs="", direction=None):
    """Each check tells one sentence with its own name, but those in `silent`; the trend one that fits, or this one."""
    direction = direction or AGREES.get(outcome, ("flat",))[0]
    checks = {
        name: Check(
            name,
            name,
            "found" if name in found else "not_found",
            () if name in silent else (Evidence(f"{name} measured 7."),),
            needs=needs if name in silent else "",
            signs=(("direction", direction),) if name == "flatness" else (),
        )
        for name in CHECKS
    }
    return Findings(s.healthy(), checks, outcome)


def cause(id, confidence="likely", severity="critical"):
    return Cause(id, id, confidence, severity)


def test_every_verdict_has_words_and_every_number_a_check():
    assert set(WORDS) == set(NUMBER) == set(VERDICTS)
    assert {name for names in NUMBER.values() for name in names} <= set(CHECKS)


@pytest.mark.parametrize("outcome", NUMBER)
def test_the_headline_says_the_state_and_its_number(outcome):
    told = verdict(findings(outcome), ())
    assert (told.state, told.cause) == (outcome, None)
    speaks = next(name for name in NUMBER[outcome] if name not in MUST_HAVE_FOUND)
    assert told.headline == f"{WORDS[outcome]}. {speaks} measured 7."


@pytest.mark.parametrize("outcome", [name for name in NUMBER if name != "inconclusive"])
@pytest.mark.parametrize("direction", flatness.WORDS)
def test_no_headline_says_of_the_trend_what_its_state_denies(outcome, direction):
    told = verdict(findings(outcome, silent=["skill", "nonfinite", "generalization_gap"], direction=direction), ())
    spoken = "flatness" in told.headline
    assert spoken == (direction in AGREES.get(outcome, (direction,)))


def test_a_divergence_that_the_trend_does_not_show_speaks_itself():
    told = verdict(findings("diverging", found=["divergence"], direction="falling"), ())
    assert told.headline == f"{WORDS['diverging']}. divergence measured 7."


def test_the_trend_speaks_where_the_number_is_missing():
    assert verdict(findings("learning", silent=["skill"]), ()).headline.endswith("flatness measured 7.")


def test_a_frozen_metric_speaks_for_itself():
    told = verdict(findings("never_learned", found=["metric_frozen"]), ())
    assert told.headline.endswith("metric_frozen measured 7.")


def test_too_little_says_what_is_missing():
    told = verdict(findings("inconclusive", silent=["flatness", "skill"], needs="more points"), ())
    assert told.headline == "Too little to judge by: more points; more points."


def test_without_any_number_the_state_stands_alone():
    assert verdict(findings("stalled", silent=CHECKS), ()).headline == "The loss got stuck."


def test_the_first_cause_that_counts_is_named():
    causes = (
        cause("a", severity="note"),
        cause("b", confidence="ruled_out"),
        cause("c", "possible", "warning"),
        cause("d"),
    )
    assert verdict(findings("stalled"), causes).cause == "c"
    assert verdict(findings("stalled"), causes[:2]).cause is None


def test_the_next_action_is_the_first_causes_fix():
    told = verdict(findings("stalled"), (Cause("a", "A", "likely", "critical", fix=Fix("Turn it down.")),))
    assert told.action == "Turn it down."


def test_what_may_explain_a_failure_says_what_to_do_though_it_accuses_nobody():
    ruled_out = Cause("a", "A", "ruled_out", "note", fix=Fix("Turn it up."))
    possible = Cause("b", "B", "possible", "note", fix=Fix("Turn it down."))
    assert verdict(findings("overfitting"), (ruled_out, possible)).action == "Turn it down."
    assert verdict(findings("overfitting"), (ruled_out,)).action == UNEXPLAINED
    assert verdict(findings("learning"), (possible,)).action == ACTIONS["learning"]


@pytest.mark.parametrize(
    ("outcome", "action"),
    [("stalled", UNEXPLAINED), ("learning", ACTIONS["learning"]), ("converged", "Nothing to do.")],
)
def test_without_a_cause_the_outcome_says_what_to_do_next(outcome, action):
    assert verdict(findings(outcome), ()).action == action

import pytest
import synthetic as s

from tb_lossdiag.diagnosis.clues import Findings, all_of, any_of, before, clear_of, ended, fact, found, shows, unless
from tb_lossdiag.diagnosis.report import Check, Evidence

SEEN = (Evidence("It was seen."),)


def findings(**checks):
    """checks: state, or (state, onset), or (state, onset, signs)."""
    made = {}
    for name, told in checks.items():
        state, onset, signs = (*(told if isinstance(told, tuple) else (told,)), None, ())[:3]
        made[name] = Check(name, name.title(), state, SEEN, onset, signs=tuple(dict(signs or ()).items()))
    return Findings(s.healthy(), made, "stalled")


@pytest.mark.parametrize(("state", "answers"), [
    ("found", (SEEN, None, SEEN)), ("not_found", (None, SEEN, SEEN)), ("inconclusive", (None, None, SEEN)),
    ("not_run", (None, None, None)),
])  # fmt: skip
def test_a_clue_asks_for_the_state_of_a_check(state, answers):
    f = findings(noise=state)
    assert (found("noise")(f), clear_of("noise")(f), shows("noise")(f)) == answers


@pytest.mark.parametrize(("signs", "fits"), [
    ({"level": "high"}, True), ({"level": "low"}, False), ({"level": ("low", "high")}, True),
    ({"rise": lambda r: r > 2}, True), ({"rise": lambda r: r > 3}, False), ({"missing": lambda value: True}, False),
    ({"level": "high", "rise": 3.0}, True), ({"level": "high", "rise": 4.0}, False),
])  # fmt: skip
def test_a_sign_is_a_value_one_of_several_or_a_question(signs, fits):
    f = findings(noise=("found", 1, {"level": "high", "rise": 3.0}))
    assert (found("noise", **signs)(f) is not None) is fits
    assert (shows("noise", **signs)(f) is not None) is fits


def test_an_outcome_is_a_silent_yes():
    assert ended("stalled", "slow")(findings()) == ()
    assert ended("learning")(findings()) is None


def test_the_first_clue_that_answers_is_taken():
    f = findings(noise="not_found")
    assert any_of(found("noise"), clear_of("noise"), ended("stalled"))(f) == SEEN
    assert any_of(found("noise"), ended("learning"))(f) is None


def test_a_fact_is_told_in_its_own_words():
    assert fact(lambda run: f"It is called {run.name}.")(findings()) == (Evidence("It is called healthy."),)
    assert fact(lambda run: None)(findings()) is None


def test_an_earlier_onset_is_told_with_both_steps():
    (told,) = before("cause", "effect")(findings(cause=("found", 3), effect=("found", 9)))
    assert told.text == "Cause crossed its threshold at step 3, Effect followed at step 9."


@pytest.mark.parametrize(("cause", "effect"), [
    (("found", 9), ("found", 9)), (("found", 10), ("found", 9)), (("found", None), ("found", 9)),
    (("found", 3), ("found", None)), (("not_found", 3), ("found", 9)), (("found", 3), ("inconclusive", 9)),
])  # fmt: skip
def test_without_two_onsets_in_order_nothing_came_before(cause, effect):
    assert before("cause", "effect")(findings(cause=cause, effect=effect)) is None


def test_all_of_needs_every_answer_and_keeps_all_evidence():
    f = findings(noise="found", depth="found", skill="not_found")
    assert all_of(found("noise"), found("depth"))(f) == (*SEEN, *SEEN)
    assert all_of(found("noise"), found("skill"))(f) is None


def test_what_must_not_be_so_answers_with_a_plain_yes():
    f = findings(noise="found")
    assert unless(found("noise"))(f) is None and unless(clear_of("noise"))(f) == ()

"""Does the diagnosis hold whatever a log contains? Properties over generated runs, odd and hostile ones included."""

import json
import re

import any_run as a
import pytest
from hypothesis import assume, given, settings

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.ranking import rank
from tb_lossdiag.diagnosis.report import STATES, VERDICTS, Check
from tb_lossdiag.diagnosis.symptoms import SYMPTOMS, depth_profile, nonfinite, update_ratio
from tb_lossdiag.run import Run


def looked_for(run: Run) -> dict[str, Check]:
    """Asked one by one: diagnose_run turns an exception into an inconclusive check."""
    return {symptom.ID: symptom.check(run) for symptom in SYMPTOMS}


@given(run=a.runs())
@settings(max_examples=300)
def test_every_symptom_answers_about_any_run(run):
    for symptom in SYMPTOMS:
        check = symptom.check(run)
        assert (check.id, check.title) == (symptom.ID, symptom.TITLE)
        assert check.state in STATES
        assert bool(check.needs) is (check.state in ("not_run", "inconclusive")), check
        assert check.evidence or not check.found, check
        assert all(e.steps is None or e.steps[0] <= e.steps[1] for e in check.evidence), check


@given(run=a.runs())
@settings(max_examples=200)
def test_every_cause_can_be_argued_for_any_run_and_outcome(run):
    checks = looked_for(run)
    for outcome in VERDICTS:
        assert rank(Findings(run, checks, outcome))[1] == ()


@given(run=a.runs())
@settings(max_examples=200)
def test_a_report_on_any_run_is_json_and_the_same_twice(run):
    text = diagnose_run(run).to_json()
    assert json.loads(text, parse_constant=pytest.fail)["run"] == run.name
    assert diagnose_run(run).to_json() == text


@given(run=a.runs())
@settings(max_examples=200)
def test_healthy_steps_afterwards_hide_no_nan(run):
    before = nonfinite.check(run)
    assume(before.found)
    after = nonfinite.check(a.continued(run))
    assert after.found and after.sign("step") <= before.sign("step")


@given(run=a.runs())
@settings(max_examples=200)
def test_names_are_only_names(run):
    states = {name: check.state for name, check in looked_for(run).items()}
    other = looked_for(a.renamed(run, lambda name: f"other/{name}"))
    assert {name: check.state for name, check in other.items()} == states


@given(run=a.runs())
@settings(max_examples=200)
def test_rows_may_come_in_any_order(run):
    looked_for(a.reversed_rows(run))


@given(run=a.runs(a.USUAL, a.USUAL))
@settings(max_examples=200)
def test_the_size_of_the_loss_says_nothing_about_depth_and_steps(run):
    larger = a.scaled(run, 64.0)
    assert update_ratio.check(larger) == update_ratio.check(run)
    depth, same = depth_profile.check(run), depth_profile.check(larger)
    assert (depth.state, depth.layers) == (same.state, same.layers)


@given(run=a.runs(a.USUAL, a.USUAL))
@settings(max_examples=200)
def test_numbers_that_are_finite_are_told_in_finite_numbers(run):
    for check in looked_for(run).values():
        for evidence in check.evidence:
            assert not re.search(r"\b(nan|inf)\b", evidence.text), check

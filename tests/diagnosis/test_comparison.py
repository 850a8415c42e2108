from dataclasses import replace

import synthetic as s

from tb_lossdiag.diagnosis.comparison import compare_findings, compare_settings
from tb_lossdiag.diagnosis.report import Cause, Report, Verdict
from tb_lossdiag.diagnosis.setup import setup


def report(*causes):
    return Report("run", Verdict("stalled", "Stuck."), causes)


def cause(id, confidence="likely", severity="critical"):
    return Cause(id, id.title(), confidence, severity)


def changes(*reports):
    return {change.id: change.changes for change in compare_findings(reports)}


def test_a_finding_appears_goes_or_stays():
    told = changes(report(cause("stays"), cause("goes")), report(cause("stays"), cause("comes")))
    assert told == {"comes": (None, "appeared"), "goes": (None, "went"), "stays": (None, "same")}


def test_graver_is_worse_whatever_the_confidence_and_surer_is_worse_at_one_severity():
    base = report(cause("a", "likely", "note"), cause("b", "possible", "warning"), cause("c", "likely", "warning"))
    now = report(cause("a", "possible", "critical"), cause("b", "likely", "warning"), cause("c", "likely", "note"))
    assert changes(base, now) == {"a": (None, "worse"), "b": (None, "worse"), "c": (None, "better")}


def test_a_ruled_out_cause_does_not_stand():
    assert changes(report(cause("a", "ruled_out")), report(cause("a"))) == {"a": (None, "appeared")}
    assert changes(report(cause("a", "ruled_out")), report()) == {}


def test_each_of_many_runs_is_told_against_the_first():
    told = compare_findings([report(), report(cause("a")), report(cause("b")), report()])
    assert {change.id: change.changes for change in told} == {
        "a": (None, "appeared", None, None),
        "b": (None, None, "appeared", None),
    }
    assert told[0].causes[1] == cause("a")


def test_what_changed_comes_before_what_stayed_and_the_graver_before_the_milder():
    now = report(cause("stays"), cause("mild", severity="note"), cause("grave"))
    assert list(changes(report(cause("stays")), now)) == ["grave", "mild", "stays"]


def test_only_settings_that_differ_are_told():
    base = s.card(optimizer={"name": "SGD", "config": {"learning_rate": 0.1, "momentum": 0.9}})
    other = replace(base, batch_size=64, optimizer={"name": "SGD", "config": {"learning_rate": 0.5}})
    told = {(change.group, change.label): change.values for change in compare_settings([setup(base), setup(other)])}
    assert told == {
        ("Optimizer", "Learning rate"): (0.1, 0.5),
        ("Optimizer", "Momentum"): (0.9, None),
        ("Training", "Batch size"): (32, 64),
    }


def test_a_layer_that_one_model_lacks_is_a_difference():
    base = s.card()
    told = compare_settings([setup(base), setup(replace(base, layers=base.layers[1:]))])
    assert [change.values[1] for change in told if change.label == "hidden_1"] == [None]


def test_a_run_without_a_card_differs_in_nothing():
    assert compare_settings([setup(s.card()), setup(None)]) == ()

import json
from dataclasses import replace

import numpy as np
import pytest

from tb_lossdiag.diagnosis.report import Cause, Check, Evidence, Fix, Report, Verdict, undiagnosed

EVIDENCE = Evidence("It is 7.", 7.0, 5.0, "units", "a source", ("a/kernel",), (1, 20))
CHECK = Check("noise", "Noise", "found", (EVIDENCE,), 3, ("a/kernel",), "", (("level", "high"), ("share", 0.5)))
CAUSE = Cause("too_loud", "Too loud", "likely", "critical", (EVIDENCE,), fix=Fix("Turn it down.", "volume = 1"))
REPORT = Report(
    "run", Verdict("stalled", "The loss got stuck.", "too_loud"), (CAUSE,), (CHECK,), ("a tag",), (("n", 1),)
)


def written(report) -> dict:
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(report.to_json(), parse_constant=refuse)


def test_a_report_is_written_in_full():
    value = written(REPORT)
    assert value["run"] == "run" and value["verdict"]["cause"] == "too_loud"
    assert value["causes"][0]["fix"] == {"text": "Turn it down.", "code": "volume = 1"}
    assert value["checks"][0]["signs"] == {"level": "high", "share": 0.5}
    assert value["checks"][0]["evidence"][0]["steps"] == [1, 20]
    assert (value["symptoms"], value["severity"], value["facts"], value["notes"]) == (
        ["noise"],
        "critical",
        {"n": 1},
        ["a tag"],
    )


@pytest.mark.parametrize(("value", "text"), [(np.nan, "NaN"), (np.inf, "Infinity"), (-np.inf, "-Infinity")])
def test_numbers_that_json_has_no_word_for_are_strings(value, text):
    report = replace(REPORT, facts=(("plain", value), ("float32", np.float32(value)), ("nested", [[value]])))
    assert written(report)["facts"] == {"plain": text, "float32": text, "nested": [[text]]}


def test_numpy_numbers_are_written_as_numbers():
    facts = (("float", np.float32(0.5)), ("int", np.int64(3)), ("bool", np.bool_(True)))
    assert written(replace(REPORT, facts=facts))["facts"] == {"float": 0.5, "int": 3, "bool": 1}


def test_the_order_of_facts_and_signs_does_not_matter():
    turned = replace(REPORT, checks=(replace(CHECK, signs=CHECK.signs[::-1]),))
    assert turned.to_json() == REPORT.to_json()


@pytest.mark.parametrize("name", ["</script>", 'a"b', "a\nb", "größe", "\x00", "\ud800"])
def test_any_name_comes_back_as_it_was(name):
    """Half a surrogate pair too: what sends the text writes it as an escape, which JSON knows."""
    text = replace(REPORT, run=name).to_json()
    assert json.loads(text.encode("utf-8", "backslashreplace"))["run"] == name


def test_symptoms_are_the_checks_that_found_something():
    states = ("found", "not_found", "inconclusive", "not_run")
    checks = tuple(replace(CHECK, id=state, state=state) for state in states)
    assert [check.id for check in replace(REPORT, checks=checks).symptoms] == ["found"]


def test_severity_is_that_of_the_gravest_cause_not_ruled_out():
    def severity(*pairs):
        return replace(REPORT, causes=tuple(replace(CAUSE, severity=s, confidence=c) for s, c in pairs)).severity

    assert severity(("note", "likely"), ("warning", "possible")) == "warning"
    assert severity(("critical", "ruled_out"), ("note", "possible")) == "note"
    assert severity(("critical", "ruled_out")) == severity() == "none"


def test_a_sign_that_is_not_there_is_its_default():
    assert (CHECK.sign("level"), CHECK.sign("missing"), CHECK.sign("missing", 4)) == ("high", None, 4)


def test_a_run_that_could_not_be_diagnosed_says_why():
    assert undiagnosed("run", ValueError("no card")).verdict.headline == "This run could not be diagnosed: no card"
    report = undiagnosed("run", KeyError("card"))
    assert report.verdict.state == "inconclusive" and report.notes == ("KeyError: 'card'",)
    assert written(report)["causes"] == []


def test_the_timeline_has_what_was_found_earliest_first_with_the_causes_it_speaks_for():
    early = Check("early", "Early", "found", (replace(EVIDENCE, text="It is early.", steps=None),), 1)
    quiet = replace(CHECK, id="quiet", state="not_found")
    undated = replace(CHECK, id="undated", onset=None)
    ruled_out = replace(CAUSE, id="out", confidence="ruled_out")
    report = replace(REPORT, checks=(quiet, CHECK, undated, early), causes=(CAUSE, ruled_out))
    assert [(s.check, s.onset, s.last, s.causes) for s in report.timeline] == [
        ("early", 1, None, ()),
        ("noise", 3, 20, ("too_loud",)),
    ]
    assert [signal["check"] for signal in written(report)["timeline"]] == ["early", "noise"]

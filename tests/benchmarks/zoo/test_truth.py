import json
from dataclasses import asdict

from benchmarks.zoo.record import Recording, place, recording
from benchmarks.zoo.training import Outcome, Training
from benchmarks.zoo.truth import complaints

GOOD = Outcome(0.1, 0.1, 0.95, 0.9)
BASE = Training("healthy-mlp-wine", None, print, base="wine")
SICK = Training("dying_relu-mlp-wine", "dying_relu", print, base="wine")
EYE = Training("wrong_metric-mlp-wine", "wrong_metric", print, base="wine")


def said(folder, outcomes) -> list[str]:
    for training, outcome in outcomes.items():
        at = place(folder, training.name, 0)
        at.mkdir(parents=True)
        error = "" if outcome else "Traceback\nValueError: no"
        (at / "done.json").write_text(json.dumps(asdict(Recording(training.name, 0, "", 1.0, outcome, error))))
    return list(complaints(tuple(outcomes), [0], folder))


def test_a_recording_reads_back(tmp_path):
    said(tmp_path, {BASE: GOOD})
    assert recording(tmp_path, BASE.name, 0) == Recording(BASE.name, 0, "", 1.0, GOOD)
    assert recording(tmp_path, BASE.name, 1) is None


def test_a_base_that_learns_and_a_sick_one_that_does_not_are_fine(tmp_path):
    assert said(tmp_path, {BASE: GOOD, SICK: Outcome(1.0, 1.0, 0.1, 0.1)}) == []


def test_a_base_that_does_not_learn_is_named(tmp_path):
    (line,) = said(tmp_path, {BASE: Outcome(0.5, 0.5, 0.55, 0.5)})
    assert line.startswith("healthy-mlp-wine@0")


def test_a_sick_one_as_good_as_its_base_is_named(tmp_path):
    (line,) = said(tmp_path, {BASE: GOOD, SICK: Outcome(0.15, 0.15, 0.85, 0.8)})
    assert line.startswith("dying_relu-mlp-wine@0")


def test_worse_in_validation_alone_is_sick(tmp_path):
    assert said(tmp_path, {BASE: GOOD, SICK: Outcome(0.01, 0.01, 1.0, 0.4)}) == []


def test_a_loss_twice_as_high_is_sick(tmp_path):
    assert said(tmp_path, {BASE: GOOD, SICK: Outcome(0.21, 0.21, 0.95, 0.9)}) == []


def test_a_loss_that_is_no_number_is_sick(tmp_path):
    assert said(tmp_path, {BASE: GOOD, SICK: Outcome(float("nan"), float("nan"), 0.95, 0.9)}) == []


def test_a_wrong_metric_must_not_harm(tmp_path):
    assert said(tmp_path, {BASE: GOOD, EYE: GOOD}) == []
    (line,) = said(tmp_path / "other", {BASE: GOOD, EYE: Outcome(1.0, 1.0, 0.1, 0.1)})
    assert line.startswith("wrong_metric-mlp-wine@0")


def test_a_sick_program_of_a_family_learns_less_than_half_of_what_its_twin_does(tmp_path):
    twin = Training("healthy-torch-dice_plain", None, print, base="dice_plain", family="dice")
    sick = Training("invalid_labels-torch-dice_255", "invalid_labels", print, base="dice_plain", family="dice")
    assert said(tmp_path / "fails", {twin: GOOD, sick: Outcome(-9.0, -9.0, 0.4)}) == []
    (line,) = said(tmp_path / "half", {twin: GOOD, sick: Outcome(9.0, 9.0, 0.6)})
    assert line.startswith("invalid_labels-torch-dice_255@0")


def test_a_skill_that_is_no_number_is_none(tmp_path):
    (line,) = said(tmp_path, {BASE: Outcome(1.0, 1.0, float("nan"))})
    assert line.startswith("healthy-mlp-wine@0")


def test_a_training_that_raised_or_was_not_recorded_is_named(tmp_path):
    assert said(tmp_path, {BASE: None}) == ["healthy-mlp-wine@0: ValueError: no"]
    assert list(complaints((SICK,), [0], tmp_path)) == ["dying_relu-mlp-wine@0: not recorded"]

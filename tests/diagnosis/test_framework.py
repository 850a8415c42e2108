"""Every sentence and line of code of every cause is in the words of the framework that trained the run."""

import re
from dataclasses import replace

import pytest
import synthetic as s

from tb_lossdiag.diagnosis import fixes
from tb_lossdiag.diagnosis.causes import CANDIDATES
from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.diagnosis.framework import Framework, Words, framework_of, spoken
from tb_lossdiag.diagnosis.report import Check
from tb_lossdiag.diagnosis.symptoms import SYMPTOMS
from tb_lossdiag.run import Run

ON_TENSORFLOW = "keras 3.15.0, tensorflow 2.21.0"
CARDS = {
    Framework.KERAS_FIT: {"framework": ON_TENSORFLOW},
    Framework.KERAS_LOOP: {"framework": ON_TENSORFLOW, "epochs": None, "steps_per_epoch": None},
    Framework.TORCH_LOOP: {"framework": "torch 2.14.1"},
    Framework.UNKNOWN: {"framework": "flax 0.12"},
}
OF_FIT = (
    r"model\.(fit|compile|predict|evaluate)\b|\b[Cc]ompile[ds]?\b|callback|class_weight|validation_data"
    r"|\b(before|to|by|of|in) fit\b"
)
OF_KERAS = r"\b(keras|Keras|tf)\b|\btape\b|apply_gradients|he_normal|trainable_variables|get_layer|LossDiagnostics"
OF_TORCH = r"\btorch\b|watcher|zero_grad|backward\(|criterion|requires_grad|state_dict|param_groups"
FOREIGN = {
    Framework.KERAS_FIT: OF_TORCH,
    Framework.KERAS_LOOP: f"{OF_TORCH}|{OF_FIT}",
    Framework.TORCH_LOOP: f"{OF_FIT}|{OF_KERAS}",
    Framework.UNKNOWN: f"{OF_FIT}|{OF_KERAS}|{OF_TORCH}",
}
FAULTS = (
    {},
    {"loss_pairing": {"fault": "double_probability"}, "targets": {"level": "fractional"}},
    {"loss_pairing": {"fault": "class_count"}, "targets": {"level": "out_of_range", "max": 900.0}},
    {"loss_pairing": {"fault": "unreachable_targets"}, "targets": {"level": "constant"}},
    {"train_eval_gap": {"fault": "unlike_data"}, "trainable": {"nothing": True}, "nonfinite": {"place": "target"}},
    {
        "train_eval_gap": {"fault": "evaluation_mode"},
        "trainable": {"untrained": True},
        "update_count": {"level": "single"},
    },
)
CHANGES = (
    {},
    {"optimizer": {}, "loss": {}},
    {"precision": "mixed_float16"},
    {"loss": {"name": "binary_crossentropy"}},
    {"settings": {"functional": False}},
    {"settings": {"callbacks": [{"name": "ReduceLROnPlateau", "config": {"patience": 2}}]}},
    {"settings": {"callbacks": [{"name": "LearningRateScheduler", "config": {}}]}},
    {"optimizer": {"name": "Adam", "config": {"learning_rate": 0.01, "gradient_accumulation_steps": 1000}}},
)


def runs(framework: Framework) -> list[Run]:
    """Runs of this framework, one for each thing that fixes and sentences depend on."""
    return [s.stuck(card=s.card(**{**CARDS[framework], **changes})) for changes in CHANGES]


def findings(run: Run, faults: dict) -> Findings:
    """Every check found something at the first two layers."""
    checks = {}
    for symptom in SYMPTOMS:
        check = symptom.check(run)
        signs = dict(check.signs) | faults.get(symptom.ID, {})
        checks[symptom.ID] = replace(check, state="found", layers=("hidden_1", "hidden_2"), signs=tuple(signs.items()))
    return Findings(run, checks, "never_learned")


@pytest.mark.parametrize("framework", Framework)
def test_a_run_speaks_as_what_trained_it(framework):
    assert {framework_of(run) for run in runs(framework)} == {framework}


def test_a_log_without_a_card_was_written_by_nobody_knows_what():
    assert framework_of(s.stuck(card=None)) is Framework.UNKNOWN


def test_a_sentence_is_that_of_fit_where_there_is_no_other():
    told = Words("fit's", torch="torch's")
    assert [told.of(framework) for framework in Framework] == ["fit's", "fit's", "torch's", "fit's"]
    assert spoken("everyone's", s.stuck()) == "everyone's"


@pytest.mark.parametrize("framework", Framework)
@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda one: one.id)
def test_no_cause_has_a_word_of_another_framework(framework, candidate):
    foreign = re.compile(FOREIGN[framework])
    for run in runs(framework):
        for faults in FAULTS:
            f = findings(run, faults)
            fix = fixes.written(candidate.fix, f)
            for told in (candidate.title, spoken(candidate.test, run), fix.text, fix.code):
                found = foreign.search(told)
                assert found is None, f"{found[0]!r} in {told!r}"


@pytest.mark.parametrize("framework", Framework)
def test_no_evidence_has_a_word_of_another_framework(framework):
    foreign = re.compile(FOREIGN[framework])
    bare = {"layers": None, "data": None, "targets": None, "steps": {}, "epochs": {}}
    for run in [*runs(framework), *(replace(run, **bare) for run in runs(framework))]:
        for symptom in SYMPTOMS:
            check: Check = symptom.check(run)
            recorder = "LossDiagnostics" if framework is Framework.UNKNOWN else ""
            for told in (check.title, *(evidence.text for evidence in check.evidence), check.needs):
                if recorder not in told or not recorder:
                    found = foreign.search(told)
                    assert found is None, f"{found[0]!r} in {told!r}"


@pytest.mark.parametrize("framework", Framework)
def test_no_code_holds_a_place_that_someone_has_to_fill(framework):
    for run in runs(framework):
        for faults in FAULTS:
            for candidate in CANDIDATES:
                code = fixes.written(candidate.fix, findings(run, faults)).code
                assert "..." not in code, candidate.id

"""Fixes of the loop, in the words of the framework that ran."""

import ast

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run, fixes
from tb_lossdiag.diagnosis.clues import Findings
from tb_lossdiag.run import Run

WIRING = (
    fixes.match_shapes,
    fixes.register_weights,
    fixes.give_optimizer_its_weights,
    fixes.train_in_training_mode,
    fixes.align_modes,
    fixes.hold_the_rate,
    fixes.prepare_as_pretrained,
    fixes.keep_the_code,
    fixes.spread_embeddings,
    fixes.balance_terms,
    fixes.bound_the_loss,
)


def findings(run: Run) -> Findings:
    return Findings(run, {check.id: check for check in diagnose_run(run).checks}, "never_learned")


def in_(framework: str, **changes) -> Findings:
    return findings(s.stuck(card=s.card(framework=framework, **changes)))


@pytest.mark.parametrize("fix", WIRING, ids=lambda fix: fix.__name__)
def test_a_torch_loop_reads_nothing_of_keras(fix):
    made = fixes.written(fix, in_("torch 2.14.1"))
    ast.parse(made.code)
    assert made.text
    assert not any(word in made.code + made.text for word in ("keras", "tape", "compile", "fit("))


@pytest.mark.parametrize("fix", WIRING, ids=lambda fix: fix.__name__)
def test_a_loop_in_tensorflow_compiles_and_fits_nothing(fix):
    made = fixes.written(fix, in_("keras 3.15, tensorflow 2.21", epochs=None, steps_per_epoch=None))
    ast.parse(made.code)
    assert not any(word in made.code + made.text for word in ("torch", "compile", "fit("))


@pytest.mark.parametrize("fix", WIRING, ids=lambda fix: fix.__name__)
def test_every_fix_is_written_for_a_run_of_which_nothing_is_known(fix):
    ast.parse(fixes.written(fix, findings(Run("empty"))).code)


@pytest.mark.parametrize(("target", "prediction", "line"), [
    ([None], [None, 1], "reshape"), ([None, 1], [None], "y[:, 0]"), ("?", None, "reshape"),
])  # fmt: skip
def test_the_shorter_side_gets_the_axis(target, prediction, line):
    card = a.own(settings={"loss_shapes": {"target": target, "prediction": prediction}})
    assert line in fixes.match_shapes(findings(a.guessing(card=card))).code


def test_a_gain_is_counted_by_what_the_epochs_gained():
    callback = {"name": "ReduceLROnPlateau", "config": {"monitor": "loss", "min_delta": 0.5}}
    gains = s.epochs(loss=[1.0, 0.9996, 0.9992, 0.9988, 0.9984])
    run = s.stuck(card=s.card(settings={"callbacks": [callback]}), epochs=gains)
    assert "min_delta=4e-05" in fixes.hold_the_rate(findings(run)).code
    never = s.stuck(card=s.card(settings={"callbacks": [callback]}), epochs=s.epochs(loss=[1.0, np.nan]))
    assert "min_delta=0.0001" in fixes.hold_the_rate(findings(never)).code


def test_a_hostile_monitor_stays_a_string():
    callback = {"name": "ReduceLROnPlateau", "config": {"monitor": "'); import os; ('"}}
    made = fixes.hold_the_rate(findings(s.stuck(card=s.card(settings={"callbacks": [callback]}))))
    (made_list,) = ast.parse(made.code).body
    (call,) = made_list.value.elts
    assert call.keywords[0].value.value == "'); import os; ('"


@pytest.mark.parametrize(("names", "lines"), [
    (["layers.0.weight", "layers.1.bias"], ["model.layers = torch.nn.ModuleList(model.layers)"]),
    (["scale"], []), (["0; import os.1.weight"], []), ("?", []),
])  # fmt: skip
def test_modules_in_a_plain_list_are_registered_by_the_name_of_their_list(names, lines):
    untracked = [{"name": name, "shape": [2], "holder": "Net"} for name in names] if isinstance(names, list) else names
    card = s.card(framework="torch 2.14.1", settings={"untracked": untracked})
    code = fixes.written(fixes.register_weights, findings(s.stuck(card=card))).code
    assert code.splitlines()[:-1] == lines

"""A check that was not run says what to do about it in the framework that trained the run."""

from dataclasses import replace

import pytest
from synthetic import card, healthy

from tb_lossdiag.diagnosis import diagnose_run

KERAS = "keras 3.15.1, torch 2.14.1"
BARE = {"layers": None, "data": None, "targets": None, "steps": {}, "epochs": {}}


def needs(run):
    return [check.needs for check in diagnose_run(run).checks if check.state == "not_run"]


def test_a_torch_run_is_told_of_watch_and_never_of_keras():
    told = needs(replace(healthy(), card=card(framework="torch 2.14.1"), **BARE))
    watch = "tb_lossdiag.torch.watch(model, optimizer, log_dir, loss=criterion)"
    assert f"layer records: record with {watch}" in told
    assert "validation losses: tell them in watcher.epoch(epoch, val_loss=...)" in told
    assert not [text for text in told if "LossDiagnostics" in text or "fit" in text.split() or "compiled" in text]


@pytest.mark.parametrize("framework", [KERAS, "keras 3.15.1, tensorflow 2.21.0"])
def test_a_keras_run_is_told_of_the_callback_whatever_its_backend(framework):
    told = needs(replace(healthy(), card=card(framework=framework), **BARE))
    assert "layer records: add the LossDiagnostics callback" in told
    assert "validation losses: pass validation_data to fit" in told
    assert not [text for text in told if "watch" in text]


def test_of_plain_scalars_nobody_knows_who_wrote_them():
    told = needs(replace(healthy(), card=None, source="scalars", **BARE))
    wanted = "layer records: record with tb_lossdiag, by LossDiagnostics in Keras or tb_lossdiag.torch.watch in PyTorch"
    assert wanted in told


@pytest.mark.parametrize("framework", [KERAS, "torch 2.14.1"])
@pytest.mark.parametrize("reason", [None, "the loss is computed inside train_step"])
def test_a_run_that_was_recorded_is_not_told_to_be_recorded(framework, reason):
    settings = {"not_measured": reason} if reason else {}
    run = replace(healthy(), card=card(framework=framework, settings=settings), data=None, targets=None)
    told = [text for text in needs(run) if text.startswith(("input statistics:", "recorded targets:"))]
    assert told and all(text.endswith(f"because {reason}" if reason else "this recording has none") for text in told)
    assert not [text for text in needs(run) if "LossDiagnostics" in text or "watch(" in text]


def test_a_loop_of_ones_own_is_told_of_the_monitor_and_never_of_fit():
    told = needs(replace(healthy(), card=card(framework=KERAS, epochs=None), **BARE))
    assert "layer records: record with tb_lossdiag.TrainingMonitor(model, optimizer, log_dir)" in told
    assert not [text for text in told if "callback" in text or "fit" in text.split() or "compile" in text]

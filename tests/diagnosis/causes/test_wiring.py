"""What holds whatever the curve does: named on a run that seems to learn, and not on those that only look alike."""

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.run import Event, LayerCard, Row, Run

NORM = LayerCard("norm", "BatchNormalization", parameters=128, units=64)
HIDDEN = {"name": "layers.0.weight", "shape": [64, 64]}


def accused(run: Run) -> list[str]:
    """Ids at warning or above, best explanation first."""
    causes = diagnose_run(run).causes
    return [c.id for c in causes if c.confidence != "ruled_out" and c.severity in ("warning", "critical")]


def told(**settings) -> Run:
    return s.healthy(card=s.card(settings=settings))


def with_steps(run: Run, **columns) -> Run:
    return replace(run, steps={**run.steps, **a.sampled(**columns)})


def test_a_sound_run_is_accused_of_nothing():
    assert accused(s.healthy()) == accused(a.learned()) == []


@pytest.mark.parametrize(("run", "cause"), [
    (told(untracked=[HIDDEN], optimizer_share=1.0), "untracked_weights"),
    (told(optimizer_share=0.0, optimizer_foreign=5396), "updates_not_applied"),
    (told(broadcasts=[{"operation": "sub", "left": [32], "right": [32, 1], "result": [32, 32]}]), "shape_broadcast"),
    (with_steps(s.healthy(), gradient_carried=1.0), "gradients_not_cleared"),
    (told(swapped_arguments="BCELoss"), "loss_mismatch"),
    (with_steps(s.healthy(card=replace(s.card(), layers=(NORM, *s.card().layers))), training_mode=0.0),
     "train_eval_mismatch"),
])  # fmt: skip
def test_certain_evidence_does_not_wait_for_a_bad_outcome(run, cause):
    report = diagnose_run(run)
    assert report.verdict.state == "learning" and accused(run) == [cause] and report.verdict.cause == cause
    assert report.causes[0].fix.text and report.causes[0].test


@pytest.mark.parametrize("run", [
    told(optimizer_share=0.1, optimizer_foreign=0),  # a head is trained, and it learns
    told(optimizer_share=1.0, optimizer_foreign=5000),  # a second model's weights as well
    told(untracked=[]),
    with_steps(s.healthy(), gradient_carried=0.0),
    with_steps(s.healthy(), training_mode=0.0),  # nothing in it minds the mode
    with_steps(s.healthy(card=replace(s.card(), layers=(replace(NORM, trainable=False), *s.card().layers))),
               training_mode=0.0),
])  # fmt: skip
def test_healthy_look_alikes_are_not_accused(run):
    assert accused(run) == []


def test_a_part_of_the_weights_is_a_cause_of_a_bad_outcome():
    assert accused(s.stuck(card=s.card(settings={"optimizer_share": 0.02})))[0] == "updates_not_applied"


def test_shapes_that_are_proved_to_be_spread_explain_labels_that_say_nothing():
    card = a.own(settings={"loss_shapes": {"target": [None], "prediction": [None, 1]}})
    run = a.guessing(card=card, references={"loss_shuffled_change": 1e-8})
    assert accused(run) == ["shape_broadcast"]
    assert "unsqueeze" in diagnose_run(replace(run, card=replace(card, framework="torch 2"))).causes[0].fix.code


def test_updates_that_are_all_exactly_zero_are_not_applied_though_the_loss_falls():
    still = s.with_column(s.with_column(s.layer_table(), "update_ratio", 0.0), "update_norm", 0.0)
    assert accused(s.healthy(layers=still)) == ["updates_not_applied"]
    adding = {"name": "Adam", "config": {"learning_rate": 1e-3, "gradient_accumulation_steps": 100}}
    assert accused(s.healthy(layers=still, card=s.card(optimizer=adding))) == []


def cut(*rows: str, **changes) -> Run:
    """The loss reaches none of these variables."""
    table = s.with_column(s.layer_table(), "gradient_norm", np.nan, rows)
    table = s.with_column(table, "update_ratio", 0.0, rows)
    card = s.card()
    for name, before in (("hidden_2", "hidden_1"), ("hidden_3", "hidden_2"), ("output", "hidden_3")):
        card = s.with_layer(card, name, inputs=(before,))
    known = {"layers": table, "card": card, "events": (Event(1, "no_gradient", {"rows": list(rows)}),)}
    return s.healthy(**{**known, **changes})


def test_a_loss_that_does_not_reach_the_first_layers_is_told_though_the_head_learns():
    assert accused(cut("hidden_1/kernel", "hidden_2/kernel")) == ["disconnected_graph"]


def test_a_head_that_no_loss_uses_is_no_cut():
    spare = LayerCard("spare", "Dense", inputs=("hidden_3",), units=3, parameters=51)
    run = cut("hidden_1/kernel")
    table = replace(run.layers, rows=tuple(Row("spare/kernel", "variable", "spare") if row.name == "hidden_1/kernel"
                                           else row for row in run.layers.rows))  # fmt: skip
    events = (Event(1, "no_gradient", {"rows": ["spare/kernel"]}),)
    layers = (*run.card.layers[1:], spare)
    assert accused(replace(run, layers=table, events=events, card=replace(run.card, layers=layers))) == []


def test_several_optimizers_may_leave_gradients_in_each_other():
    two = s.with_rows(s.data_table(), (Row("rate:d", "rate"), Row("rate:g", "rate")))
    assert accused(with_steps(s.healthy(data=two), gradient_carried=1.0)) == []


def test_evaluation_that_loses_what_training_gained_is_told():
    card = replace(s.card(), layers=(NORM, *s.card().layers))
    run = with_steps(s.healthy(card=card), evaluation_loss=2.4)
    assert accused(run) == ["train_eval_mismatch"]
    assert accused(with_steps(s.healthy(card=card), evaluation_loss=1.0)) == []

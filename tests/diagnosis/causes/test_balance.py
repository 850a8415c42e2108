"""Faults of the loss itself: parts that drown, codes and embeddings that collapse, values without an end."""

from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.run import LayerCard, Run

COLLAPSED = 1e-3 * np.exp(-a.STEPS / 20)
TOGETHER = np.where(a.STEPS < 5, 0.5, 1e-6)
PLATEAU = {"name": "ReduceLROnPlateau", "config": {"monitor": "loss", "factor": 0.2, "min_delta": 0.04}}


def accused(run: Run) -> list[str]:
    causes = diagnose_run(run).causes
    return [c.id for c in causes if c.confidence != "ruled_out" and c.severity in ("warning", "critical")]


def first(run: Run):
    return diagnose_run(run).causes[0]


def test_a_loss_without_an_end_is_named():
    run = a.run(-np.exp(np.linspace(0, 30, 400)), {})
    assert accused(run) == ["unbounded_loss"] and diagnose_run(run).verdict.state == "diverging"


def test_targets_that_a_cross_entropy_cannot_take_explain_its_impossible_value():
    card = s.with_layer(s.card(loss={"name": "binary_crossentropy"}), "output", units=1, activation="sigmoid")
    run = s.healthy(card=card, steps=s.loss(s.falling(0.7, -9e4)), targets=s.target_table([3000.0], [900.0]),
                    data=s.data_table(target={"min": 500.0, "max": 9e3}))  # fmt: skip
    assert accused(run) == ["invalid_labels"]


@pytest.mark.parametrize("loss", [s.falling(2.0, -3.0), s.falling(-0.1, -490.0, 20.0)])
def test_a_loss_that_may_be_negative_is_not_accused(loss):
    assert accused(a.run(loss, {})) == []


def test_an_output_whose_loss_drowns_in_anothers_is_named_with_its_weight():
    run = a.heads(a.at_chance(), a.well())
    assert accused(run) == ["unbalanced_loss_terms"]
    assert "loss_weights={'a': 1.0, 'b': 0.0005}" in first(run).fix.code
    assert accused(a.heads(a.well(0.69, 0.1), a.well())) == []


def test_a_code_that_carries_nothing_is_named():
    data = a.table({"output": {"diversity": 0.01, "mean": 0.3}}, {"mean": 0.0, "std": 1.0, "diversity": 1.0})
    base = s.healthy(data=data, targets=None, card=a.own(), steps=s.loss(s.falling(0.05, 0.03, 0.001)))
    assert accused(a.with_terms(base, {"kl": COLLAPSED, "reconstruction": 0.03})) == ["posterior_collapse"]
    healthy = replace(base, data=a.table({"output": {"diversity": 0.9}}))
    assert accused(a.with_terms(healthy, {"kl": COLLAPSED, "reconstruction": 0.03})) == []


def embedded(spread, loss, name="triplet_loss", **changes) -> Run:
    card = s.with_layer(a.own(loss={"name": name}), "output", activation="linear")
    data = a.table({"output": {"diversity": spread}})
    return s.healthy(**{"card": card, "data": data, "targets": None, "steps": s.loss(loss), **changes})


def test_embeddings_that_are_one_point_are_named():
    run = embedded(TOGETHER, s.flat(0.5, 1e-4))
    assert accused(run)[0] == "representation_collapse" and "UnitNormalization" in first(run).fix.code
    assert accused(embedded(0.5, s.falling(0.5, 0.0, 0.01))) == []


def test_embeddings_that_nothing_keeps_apart_are_named_while_the_loss_falls():
    spread = 0.5 * np.exp(-a.STEPS / 100)
    loss = np.interp(s.STEPS, a.STEPS, 0.1 * spread**2)
    assert accused(embedded(spread, loss, "")) == ["representation_collapse"]
    assert "keeps different examples apart" in first(embedded(spread, loss, "")).fix.text


def test_steps_that_were_too_large_before_them_come_first():
    table = s.with_column(s.layer_table(), "update_ratio", 0.3)
    assert accused(embedded(TOGETHER, s.flat(0.5, 1e-4), layers=table))[0] == "learning_rate_too_high"


def test_outputs_that_say_nothing_of_their_examples_have_labels_that_say_nothing():
    assert accused(a.guessing()) == ["uninformative_labels"]


def test_the_labels_of_one_output_may_say_nothing_while_the_others_are_learned():
    run = a.heads(a.at_chance(), a.well(2.0, 0.1), loss=s.falling(2.7, 0.8, 0.02))
    assert accused(run) == ["uninformative_labels"] and diagnose_run(run).verdict.state == "stalled"
    assert "uninformative_labels" not in accused(a.heads(a.at_chance(), a.well()))  # drowned in the other


def test_rows_learned_by_heart_and_a_loss_that_goes_nowhere_have_labels_that_say_nothing():
    loss = s.flat(1.0, 0.12)
    at = loss[a.STEPS - 1]
    references = {"loss_shuffled": 1.08 * at, "loss_constant": 1.03 * at, "loss_shuffled_change": 0.2}
    assert accused(a.run(loss, {**references, "loss_least": 0.0})) == ["uninformative_labels"]


def by_heart(**changes) -> Run:
    """It steps down from one epoch of 40 to the next, and is hardly better than a guess."""
    loss = 2.28 - 0.02 * ((s.STEPS - 1) // 40) + np.random.default_rng(1).normal(0, 0.005, 400)
    return s.healthy(**{"steps": s.loss(loss), **changes})


def test_rows_that_are_learned_by_heart_alone_have_labels_that_say_nothing():
    assert accused(by_heart()) == ["uninformative_labels"]
    table = LayerCard("words", "Embedding", parameters=640, units=32)
    rare = by_heart(card=s.card(layers=(table, *s.card().layers)))
    assert accused(rare) == [] and first(rare).id == "uninformative_labels"


def test_weights_that_hardly_moved_have_not_asked_the_labels_yet():
    table = s.with_column(s.layer_table(), "update_ratio", 2e-4)
    assert accused(s.stuck(layers=table)) == ["learning_rate_too_low"]
    assert accused(s.stuck()) == ["uninformative_labels"]


def hidden(loss, **changes) -> Run:
    """A loss of the step's own, which nobody could ask again."""
    card = a.own(loss={}, settings={"not_measured": "the loss is written out in the step"})
    return s.healthy(
        **{"card": card, "targets": None, "data": a.table({"output": {}}), "steps": s.loss(loss), **changes}
    )


def test_where_nothing_else_is_wrong_the_labels_are_a_guess_and_no_accusation():
    run = hidden(s.flat(0.4, 0.005))
    assert first(run).id == "uninformative_labels" and first(run).confidence == "possible" and accused(run) == []
    assert "was not measured" in first(run).evidence_against[0].text


def test_a_loss_that_came_down_before_it_lay_still_has_labels_that_say_something():
    loss = np.r_[np.linspace(4, 0.4, 100), s.flat(0.4, 0.005)[100:]]
    assert "uninformative_labels" not in [cause.id for cause in diagnose_run(hidden(loss)).causes]


def test_weights_that_end_as_nothing_without_a_decay_have_a_penalty_in_the_loss():
    table = s.with_column(s.layer_table(), "weight_norm", 5e-5, from_step=100)
    assert accused(s.stuck(layers=table))[0] == "penalty_dominates"
    assert "a part of the loss pulls the weights to 0" in first(s.stuck(layers=table)).fix.text
    assert "penalty_dominates" not in accused(s.stuck(layers=s.with_column(table, "weight_norm", 0.3, from_step=100)))


def test_outputs_that_never_came_to_their_targets_accuse_a_loss_that_falls():
    facts = {"min": 2842.5, "max": 7179.5, "mean": 5000.0, "std": 1300.0}
    references = {"loss_shuffled": a.along(4e4, 800.0), "loss_shuffled_change": 0.5, "min": -18.0, "max": 18.0}
    run = a.run(s.falling(3e4, 300.0, 1.0), references, facts)
    run = replace(run, targets=s.target_table([5000.0], [1300.0]))
    assert accused(run)[0] == "unscaled_targets" and diagnose_run(run).verdict.state == "learning"


def test_a_step_larger_than_the_weights_at_a_rate_that_nobody_uses_comes_before_what_it_left():
    table = s.with_column(s.layer_table(), "update_ratio", 24.0)
    steps = {"loss": s.series(s.flat()), "learning_rate": s.series(np.full(400, 3.0))}
    mean = np.where(a.STEPS[:, None] % 40 < 20, np.eye(10)[0], np.eye(10)[1])
    sorted_rows = replace(s.target_table(), values=np.stack([mean, 0 * mean, np.nan * mean], axis=2).astype(np.float32))
    assert accused(s.stuck(layers=table, steps=steps, targets=sorted_rows))[0] == "learning_rate_too_high"


def test_a_loss_at_a_floor_that_nobody_knows_is_not_accused():
    narrow = s.with_layer(a.own(), "hidden_2", units=2)
    assert accused(a.floored(card=narrow)) == []


def dying(*callbacks, framework="keras 3") -> Run:
    """Every epoch gained a little, less than the callback asks for, and the rate went to nothing."""
    rates = np.where(np.arange(1, 401) < 90, 5e-4, 5e-12)
    table = s.with_column(s.layer_table(), "update_ratio", 1e-9, from_step=90)
    gains = {"loss": s.series(2.3 - 0.02 * np.arange(1, 11), np.arange(1, 11) * 22)}
    card = s.card(settings={"callbacks": list(callbacks)}, framework=framework)
    return s.healthy(card=card, layers=table, epochs=gains,
                     steps={"loss": s.series(s.flat(2.0)), "learning_rate": s.series(rates)})  # fmt: skip


def test_a_callback_that_takes_the_rate_to_nothing_is_named_with_its_arguments():
    cause = first(dying(PLATEAU))
    assert cause.id == "learning_rate_zero" and cause.severity in ("warning", "critical")
    assert any("ReduceLROnPlateau(monitor='loss', factor=0.2, min_delta=0.04)" in e.text for e in cause.evidence_for)
    assert "min_delta=0.0001" in cause.fix.code and "monitor='loss'" in cause.fix.code
    assert "An epoch gains 0.02, less than the 0.04" in cause.fix.text


def test_a_rate_that_nobody_is_known_to_have_taken_there_ran_out_as_well():
    assert first(dying()).id == "learning_rate_zero"


def test_in_a_torch_loop_the_scheduler_is_stepped_elsewhere():
    cause = first(dying({"name": "StepLR", "config": {"step_size": 7, "gamma": 0.1}}, framework="torch 2"))
    assert cause.id == "learning_rate_zero" and "once an epoch" in cause.fix.text
    assert "optimizer.param_groups" in cause.fix.code and "keras" not in cause.fix.code
    plateau = first(dying(PLATEAU, framework="torch 2"))
    assert "torch.optim.lr_scheduler.ReduceLROnPlateau" in plateau.fix.code


def test_a_loss_scale_that_fell_to_nothing_is_low_precision():
    steps = {
        **s.loss(s.falling()),
        **a.sampled(loss_scale=np.geomspace(65536, 1e-9, len(a.STEPS)), gradient_nonfinite=9.0),
    }
    assert accused(s.healthy(steps=steps))[0] == "low_precision"
    held = {**s.loss(s.falling()), **a.sampled(loss_scale=65536.0, gradient_nonfinite=0.0)}
    assert accused(s.healthy(steps=held)) == []


def test_inputs_unlike_those_of_the_frozen_layers_are_named():
    held = {"moving_mean": 0.4, "moving_variance": 0.5, "scale_mean": 1.2, "offset_mean": 0.1}
    norm = LayerCard("hidden_1", "BatchNormalization", parameters=4, trainable=False, settings=held)
    card = replace(s.card(), layers=(norm, *s.card().layers[1:]))
    table = s.with_column(s.layer_table(), "activation_mean", 0.1, ["hidden_1"])
    far = s.with_column(table, "activation_std", 300.0, ["hidden_1"])
    near = s.with_column(table, "activation_std", 1.5, ["hidden_1"])
    cause = first(s.stuck(card=card, layers=far))
    assert (cause.id, cause.title[:13]) == ("unnormalized_inputs", "Inputs unlike")
    assert "unnormalized_inputs" not in accused(s.stuck(card=card, layers=near))
    assert accused(s.healthy(card=card, layers=near)) == []


@pytest.mark.parametrize(("size", "saturated", "loss", "causes"), [
    (171.0, 0.95, s.falling(1.1, 0.002, 0.0), ["unnormalized_inputs"]),
    (171.0, 0.3, s.falling(1.1, 0.002, 0.0), []), (5.0, 0.95, s.falling(1.1, 0.002, 0.0), []),
])  # fmt: skip
def test_inputs_that_saturate_the_first_layer_throughout_are_told_though_the_loss_falls(size, saturated, loss, causes):
    table = s.with_column(s.layer_table(), "activation_saturated_share", saturated, ["hidden_1"])
    card = s.with_layer(a.own(), "hidden_1", activation="tanh")
    data = s.data_table(input={"mean": 0.0, "std": size, "min": -2 * size, "max": 2 * size})
    run = s.healthy(card=card, layers=table, data=data, targets=None, steps=s.loss(loss))
    assert accused(run) == causes

"""Which cause comes first: the order of onset decides between a cause and its consequences."""

from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.report import CONFIDENCES
from tb_lossdiag.run import Event


def first(run):
    return diagnose_run(run).causes[0]


def ids(run):
    return [cause.id for cause in diagnose_run(run).causes]


def test_a_healthy_run_has_no_cause_above_a_note():
    report = diagnose_run(s.healthy())
    assert report.severity in ("none", "note")
    assert report.verdict.state == "learning" and report.verdict.cause is None


def test_a_learning_rate_that_was_too_high_first_outranks_the_dead_units_it_left():
    table = s.with_column(s.layer_table(), "update_ratio", 0.3)
    table = s.with_column(table, "activation_dead_share", 1.0, rows=["hidden_1"], from_step=12)
    report = diagnose_run(s.stuck(layers=table))
    assert [cause.id for cause in report.causes][:2] == ["learning_rate_too_high", "dying_relu"]
    assert report.verdict.cause == "learning_rate_too_high"


def test_dead_units_under_normal_updates_are_a_dying_relu():
    table = s.with_column(s.layer_table(), "activation_dead_share", 1.0, rows=["hidden_1"], from_step=60)
    assert first(s.stuck(layers=table)).id == "dying_relu"


def test_tiny_updates_under_healthy_gradients_are_a_low_learning_rate():
    table = s.with_column(s.layer_table(), "update_ratio", 1e-6)
    cause = first(s.stuck(layers=table))
    assert cause.id == "learning_rate_too_low" and cause.severity == "critical"


@pytest.mark.parametrize("ended", [True, False])
def test_a_loop_is_asked_what_kept_it_from_getting_far_once_it_is_over(ended):
    table = s.with_column(s.layer_table(), "update_ratio", 1e-6)
    loss = {"loss": s.series(s.falling(last=1.6))}
    loop = s.card(epochs=None, steps_per_epoch=None)
    run = replace(s.healthy(card=loop, steps=loss, layers=table), ended=ended)
    named = [cause.id for cause in diagnose_run(run).causes if cause.severity != "note"]
    assert named == (["learning_rate_too_low"] if ended else [])


def test_tiny_updates_of_a_converged_run_accuse_nobody():
    table = s.with_column(s.layer_table(), "update_ratio", 1e-6)
    loss = {"loss": s.series(s.flat(level=0.01, noise=1e-4))}
    report = diagnose_run(s.healthy(steps=loss, layers=table))
    assert report.verdict.state == "converged" and report.severity in ("none", "note")


def test_raw_pixels_outrank_the_damage_they_do():
    table = s.with_column(s.layer_table(), "update_ratio", 0.3)
    data = s.data_table(input={"mean": 110.0, "std": 60.0, "min": 0.0, "max": 255.0})
    assert first(s.stuck(layers=table, data=data)).id == "unnormalized_inputs"


def test_raw_pixels_of_a_run_that_learns_accuse_nobody():
    data = s.data_table(input={"mean": 110.0, "std": 60.0, "min": 0.0, "max": 255.0})
    assert diagnose_run(s.healthy(data=data)).severity in ("none", "note")


def test_one_unit_softmax_is_certain_even_while_the_loss_falls():
    card = s.with_layer(s.card(loss={"name": "binary_crossentropy", "reads_logits": True}), "output", units=1)
    data = s.data_table(target={"max": 1.0})
    cause = first(s.healthy(card=card, targets=s.target_table([0.5]), data=data))
    assert (cause.id, cause.severity) == ("output_activation_mismatch", "warning")
    assert "sigmoid" in cause.fix.code


@pytest.mark.parametrize(("settings", "expected"), [
    ({"kernel_std": 1.0}, "poor_initialization"),
    ({"kernel_std": 1e-3}, "poor_initialization"),
    ({"bias_min": -10.0, "bias_max": -10.0, "bias_mean": -10.0}, "poor_initialization"),
    ({"kernel_std": 0.0}, "symmetric_initialization"),
    ({"kernel_identical_columns": True}, "symmetric_initialization"),
])  # fmt: skip
def test_a_bad_start_outranks_the_dead_units_it_brings(settings, expected):
    table = s.with_column(s.layer_table(), "activation_dead_share", 1.0, rows=["hidden_1", "hidden_2"])
    assert first(s.stuck(card=s.with_layer(s.card(), "hidden_1", settings), layers=table)).id == expected


def test_gradients_that_fade_with_depth_are_vanishing():
    table = s.layer_table()
    for decades, name in zip((-6, -4, -2, 0), s.UNITS, strict=True):
        table = s.with_column(table, "gradient_norm", 10.0**decades, rows=[f"{name}/kernel"])
    cause = first(s.stuck(layers=table))
    assert cause.id == "vanishing_gradients" and "hidden_1/kernel" in cause.layers


def test_variables_the_loss_never_reaches_are_disconnected():
    table = s.with_column(s.layer_table(), "gradient_norm", 0.0)
    table = s.with_column(s.with_column(table, "update_ratio", 0.0), "update_norm", 0.0)
    rows = [row.name for row in table.rows if row.kind == "variable"]
    assert first(s.stuck(layers=table, events=(Event(1, "no_gradient", {"rows": rows}),))).id == "disconnected_graph"


def unmoved(**changes):
    """No gradient anywhere from the first step on, and answers of exactly 0 or 1."""
    table = s.with_column(s.layer_table(), "gradient_norm", 0.0)
    table = s.with_column(s.with_column(table, "update_ratio", 0.0), "update_norm", 0.0)
    return s.stuck(**{"layers": table, "steps": s.loss(s.flat(level=12.0, noise=0.5)), **changes})


@pytest.mark.parametrize(("spread", "cause"), [(1.0, "saturated_loss"), (200.0, "unnormalized_inputs")])
def test_a_clipped_loss_has_no_gradient_and_cuts_nothing(spread, cause):
    data = s.added(s.data_table(input={"std": spread}), "extreme_share", 1.0, "prediction")
    assert first(unmoved(data=data)).id == cause
    assert first(unmoved()).id == "disconnected_graph"


def test_applied_learning_rate_zero_is_named():
    table = s.with_column(s.layer_table(), "update_ratio", 0.0)
    steps = {"loss": s.series(s.flat()), "learning_rate": s.series(np.zeros(400))}
    assert first(s.stuck(layers=table, steps=steps)).id == "learning_rate_zero"


def test_a_nan_in_the_input_explains_every_other_nan():
    loss = s.flat()
    loss[10:] = np.nan
    data = s.data_table(input={"nonfinite": 3.0})
    run = s.stuck(data=data, steps={"loss": s.series(loss)})
    assert first(run).id == "nonfinite_inputs" and diagnose_run(run).verdict.state == "nonfinite"


def test_validation_that_turns_while_training_falls_is_overfitting():
    at = np.arange(1, 21) * 20
    epochs = {
        "loss": s.series(np.linspace(2.0, 0.1, 20), at),
        "val_loss": s.series(np.r_[np.linspace(2.0, 0.8, 8), np.linspace(0.85, 1.6, 12)], at),
    }
    report = diagnose_run(s.healthy(epochs=epochs))
    assert report.verdict.state == "overfitting" and report.verdict.cause == "overfitting"


def test_two_causes_that_explain_each_other_leave_the_more_specific_one_standing():
    table = s.with_column(s.layer_table(), "update_ratio", 0.3)
    table = s.with_column(table, "activation_std", 5e3, rows=["hidden_1"])
    table = s.with_column(table, "gradient_norm", 1e6)
    causes = diagnose_run(s.stuck(layers=table)).causes
    assert causes[0].id == "exploding_gradients" and causes[0].confidence == "likely"
    assert causes[1].id == "learning_rate_too_high" and causes[1].confidence == "possible"


def test_causes_are_sorted_by_confidence():
    table = s.with_column(s.layer_table(), "update_ratio", 0.3)
    order = [CONFIDENCES.index(c.confidence) for c in diagnose_run(s.stuck(layers=table)).causes]
    assert order == sorted(order)


def test_an_empty_run_is_inconclusive_and_says_what_it_lacks():
    report = diagnose_run(replace(s.healthy(), steps={}, layers=None, data=None, targets=None, card=None))
    assert report.verdict.state == "inconclusive" and report.causes == ()
    assert {check.state for check in report.checks} == {"not_run"}
    assert all(check.needs for check in report.checks)


def test_the_same_run_gives_the_same_bytes():
    assert diagnose_run(s.stuck()).to_json() == diagnose_run(s.stuck()).to_json()


def test_predictions_certain_from_the_start_are_a_saturated_loss():
    data = s.added(s.data_table(), "extreme_share", 1.0, "prediction")
    steps = s.loss(s.flat(level=12.0, noise=0.5))
    cause = first(s.stuck(data=data, steps=steps))
    assert (cause.id, cause.severity) == ("saturated_loss", "critical")


def test_one_or_two_units_that_can_do_no_more_are_too_few():
    card = s.with_layer(s.card(), "hidden_2", units=1)
    steps = s.loss(s.flat(level=1.8))
    assert first(s.stuck(card=card, steps=steps)).id == "insufficient_capacity"


def test_strong_dropout_outranks_the_labels_it_hides():
    card = s.with_layer(s.card(), "hidden_2", {"rate": 0.95}, kind="Dropout")
    assert first(s.stuck(card=card)).id == "excessive_dropout"


def test_large_targets_explain_the_steps_they_make():
    table = s.with_column(s.layer_table(), "update_ratio", 0.3)
    run = s.stuck(
        card=s.with_layer(s.card(loss={"name": "mse"}), "output", activation="linear", units=1),
        data=s.data_table(target={"min": -3e4, "max": 3e4}),
        targets=s.target_table([1e3], spread=[1e4]),
        layers=table,
        steps=s.loss(s.flat(level=1e8, noise=1e6)),
    )
    assert first(run).id == "unscaled_targets"


def test_low_precision_needs_low_precision():
    table = s.added(s.layer_table(), "unchanged_share", 0.9, "variable")
    assert "low_precision" not in ids(s.stuck(layers=table))
    assert first(s.stuck(layers=table, card=s.card(precision="bfloat16"))).id == "low_precision"


def test_more_epochs_do_not_help_what_validation_never_saw():
    steps = s.loss(np.linspace(2.3, 1.7, 400))
    never = s.epochs(loss=np.linspace(2.3, 1.7, 10), val_loss=np.linspace(2.32, 2.5, 10))
    along = s.epochs(loss=np.linspace(2.3, 1.7, 10), val_loss=np.linspace(2.3, 1.8, 10))
    assert first(s.stuck(steps=steps, epochs=never)).id == "uninformative_labels"
    assert first(s.stuck(steps=steps, epochs=along)).id == "undertrained"


def test_a_loss_that_hardly_depends_on_the_weights_is_disconnected_whatever_it_does():
    table = s.with_column(s.layer_table(), "gradient_norm", 1e-8)
    cause = first(s.healthy(layers=table))
    assert (cause.id, cause.severity) == ("disconnected_graph", "warning")


def test_examples_that_are_all_the_same_are_constant_inputs():
    table = s.data_table()
    values = table.values.copy()
    values[:, 2, table.columns.index("diversity")] = 0.0
    differ = first(s.stuck(data=replace(table, values=values.copy())))
    assert differ.id != "constant_inputs"  # the inputs were seen to differ
    values[:, 0, table.columns.index("diversity")] = 0.0
    assert first(s.stuck(data=replace(table, values=values))).id == "constant_inputs"


def test_half_a_layer_silent_while_the_gradient_passes_is_no_dying_relu():
    table = s.with_column(s.layer_table(), "activation_dead_share", 0.6, rows=["hidden_1"], from_step=60)
    assert "dying_relu" not in ids(s.stuck(layers=table))


@pytest.mark.parametrize(("steps", "accused"), [(60, False), (220, False), (260, True)])
def test_a_run_that_learns_is_not_accused_before_it_had_its_time(steps, accused):
    table = s.with_column(s.layer_table(), "activation_saturated_share", 0.95)
    loss = s.loss(np.linspace(2.3, 1.4, steps))
    tables = {"layers": table, "data": s.data_table(), "targets": s.target_table()}
    kept = {name: s.first_steps(part, int(np.sum(part.steps <= steps))) for name, part in tables.items()}
    report = diagnose_run(s.healthy(steps=loss, epochs={}, **kept))
    assert (report.severity == "warning") is accused and (accused or report.severity in ("none", "note"))


def test_units_that_die_under_strong_dropout_are_its_doing():
    card = s.with_layer(s.card(), "hidden_2", {"rate": 0.95}, kind="Dropout")
    table = s.with_column(s.layer_table(), "activation_dead_share", 1.0, rows=["hidden_1"], from_step=60)
    assert ids(s.stuck(card=card, layers=table))[:2] == ["excessive_dropout", "dying_relu"]


def frozen(std=1.0):
    """Three of four layers are frozen, their kernels at this many times the spread of a fresh one."""
    card = s.card()
    for layer in card.layers[:3]:
        spread = {"kernel_std": std * layer.settings["kernel_std"]}
        start = {"kernel": {"name": "HeNormal", "config": {}}}
        card = s.with_layer(card, layer.path, spread, trainable=False, initializers=start)
    return replace(card, trainable_parameters=card.layers[-1].parameters)


@pytest.mark.parametrize(("std", "last", "severity"), [(1.0, 0.6, "warning"), (1.2, 0.6, "none"), (1.0, 0.2, "none")])
def test_frozen_random_features_are_accused_until_they_do_well_and_loaded_ones_are_not(std, last, severity):
    run = s.healthy(card=frozen(std), steps=s.loss(s.falling(last=last)))
    report = diagnose_run(run)
    assert report.severity == severity
    assert severity == "none" or first(run).id == "frozen_layers"


def test_labels_under_large_steps_of_a_usual_rate_are_doubted_second():
    table = s.with_column(s.layer_table(), "update_ratio", 0.3)
    assert ids(s.stuck(layers=table))[:2] == ["learning_rate_too_high", "uninformative_labels"]


@pytest.mark.parametrize(("steps", "confidence"), [(40, "likely"), (3, "possible")])
def test_few_rows_may_be_learned_by_heart_without_wrong_labels(steps, confidence):
    at = np.arange(1, 21) * 20
    epochs = {"loss": s.series(np.linspace(2.2, 0.1, 20), at), "val_loss": s.series(np.linspace(2.4, 6.0, 20), at)}
    run = s.stuck(card=s.card(steps_per_epoch=steps), epochs=epochs, steps=s.loss(np.linspace(2.3, 0.1, 400)))
    (labels,) = (cause for cause in diagnose_run(run).causes if cause.id == "uninformative_labels")
    assert labels.confidence == confidence


@pytest.mark.parametrize(("last", "severity"), [(1.5, "warning"), (1.2, "note")])
def test_small_steps_that_got_nowhere_by_the_end_of_the_plan_are_too_small(last, severity):
    table = s.with_column(s.layer_table(), "update_ratio", 1e-6)
    report = diagnose_run(s.healthy(layers=table, steps=s.loss(np.linspace(2.3, last, 400))))
    assert {c.id: c.severity for c in report.causes}.get("learning_rate_too_low", "note") == severity


@pytest.mark.parametrize(("last", "severity"), [(1.5, "warning"), (0.8, "none")])
def test_a_bottleneck_that_got_nowhere_by_the_end_of_the_plan_is_too_narrow(last, severity):
    card = s.with_layer(s.card(), "hidden_2", units=1)
    report = diagnose_run(s.healthy(card=card, steps=s.loss(np.linspace(2.3, last, 400))))
    assert report.severity == severity
    assert severity == "none" or report.causes[0].id == "insufficient_capacity"


PIXELS = {"mean": 110.0, "std": 60.0, "min": 0.0, "max": 255.0}


def regression(rate=1e-3, targets=1.0, inputs=None, **changes):
    """A regression that learned nothing. targets: their size."""
    data = s.data_table(input=inputs or {}, target={"min": 0.0, "max": 2 * targets, "mean": targets, "std": targets})
    card = s.with_layer(s.card(loss={"name": "mse"}), "output", units=1, activation="linear")
    steps = {"loss": s.series(s.flat(2 * targets**2, targets**2 / 50)), "learning_rate": s.series(np.full(400, rate))}
    known = {"card": card, "data": data, "targets": s.target_table([targets], [targets], [targets]), "steps": steps}
    return s.stuck(**{**known, **changes})


def fast(table=None):
    return s.with_column(table or s.layer_table(), "update_ratio", 0.3)


@pytest.mark.parametrize(("run", "both"), [
    (regression(targets=1e5, inputs=PIXELS), {"unnormalized_inputs", "unscaled_targets"}),
    (regression(targets=1e5, rate=0.5, layers=fast()), {"unscaled_targets", "learning_rate_too_high"}),
    (regression(inputs=PIXELS, rate=0.5, layers=fast()), {"unnormalized_inputs", "learning_rate_too_high"}),
])  # fmt: skip
def test_two_faults_that_facts_of_their_own_speak_for_are_both_named(run, both):
    report = diagnose_run(run)
    assert {cause.id for cause in report.causes[:2]} == both
    assert all(cause.confidence == "likely" and cause.stands_alone for cause in report.causes[:2])
    first, second = report.causes[:2]
    assert (
        report.verdict.action
        == f"{first.fix.text} That alone is not enough, there is a second fault: {second.fix.text}"
    )


def test_a_rate_far_above_usual_stands_beside_an_output_that_cannot_reach_the_targets():
    run = regression(rate=0.5, layers=fast())
    card = s.with_layer(run.card, "output", activation="tanh")
    report = diagnose_run(replace(run, card=card, data=s.data_table(target={"min": -5.0, "max": 5.0})))
    assert [cause.id for cause in report.causes[:2]] == ["output_activation_mismatch", "learning_rate_too_high"]


def test_adadelta_at_the_rate_of_another_stands_beside_an_output_that_cannot_reach_the_targets():
    run = regression()
    card = s.with_layer(run.card, "output", activation="tanh")
    card = replace(card, optimizer={"name": "Adadelta", "config": {"learning_rate": 0.001}})
    report = diagnose_run(replace(run, card=card, data=s.data_table(target={"min": -5.0, "max": 5.0})))
    assert {cause.id for cause in report.causes[:2]} == {"output_activation_mismatch", "unsuitable_optimizer"}


def test_what_only_follows_from_a_fault_still_steps_back_behind_it():
    report = diagnose_run(regression(targets=30.0, inputs=PIXELS))
    assert report.causes[0].id == "unnormalized_inputs"
    assert [cause.confidence for cause in report.causes if cause.id == "unscaled_targets"] in ([], ["possible"])
    assert "second fault" not in report.verdict.action


def test_frozen_layers_are_not_what_keeps_a_loss_above_a_constant_guess():
    card = frozen(1.2)
    accused = {c.id: c for c in diagnose_run(s.stuck(card=card)).causes}["frozen_layers"]
    assert (accused.confidence, accused.severity) == ("likely", "critical")
    above = s.healthy(card=card, steps=s.loss(s.flat(3.6)))
    assert {c.id: c for c in diagnose_run(above).causes}["frozen_layers"].confidence == "possible"


def test_a_class_is_drowned_at_a_constant_guess_and_not_far_above_it():
    shares = [0.97, 0.03]
    card = s.with_layer(s.card(loss={"name": "sparse_categorical_crossentropy"}), "output", units=2)
    entropy = -float(np.sum(shares * np.log(shares)))

    def named(level):
        run = s.healthy(card=card, targets=s.target_table(shares), steps=s.loss(s.flat(level * entropy, 0.002)))
        return "class_imbalance" in ids(run)

    assert named(1.0) and not named(3.0)


def test_a_narrow_layer_is_not_blamed_where_nothing_says_how_low_the_loss_can_come():
    card = s.with_layer(s.card(loss={"name": "my_loss"}), "hidden_2", units=4)
    known = diagnose_run(s.healthy(card=card, targets=None, data=None, steps=s.loss(s.flat(1.0))))
    assert known.verdict.state == "stalled" and "insufficient_capacity" not in [c.id for c in known.causes]


@pytest.mark.parametrize(("accuracy", "severity"), [(0.99, "note"), (0.5, "warning")])
def test_a_mean_of_a_few_huge_losses_accuses_no_model_that_answers_right(accuracy, severity):
    """Of raw inputs a few examples may be wrong by hundreds."""
    at = np.arange(1, 11) * 40
    epochs = {"loss": s.series(np.linspace(500, 4, 10), at), "accuracy": s.series(np.linspace(0.3, accuracy, 10), at)}
    run = s.healthy(data=s.data_table(input=PIXELS), steps=s.loss(np.geomspace(700, 2.2, 400)), epochs=epochs)
    report = diagnose_run(run)
    assert {c.id: c.severity for c in report.causes}["unnormalized_inputs"] == severity


def test_huge_inputs_into_units_that_never_answer_are_accused_where_nothing_says_how_well_it_does():
    huge = {"mean": 10.0, "std": 170.0, "min": -300.0, "max": 300.0}
    card = s.with_layer(s.card(loss={}), "hidden_1", activation="tanh")

    def accused(saturated, inputs):
        table = s.with_column(s.layer_table(), "activation_saturated_share", saturated, rows=["hidden_1"])
        run = s.healthy(card=card, layers=table, data=s.data_table(input=inputs), targets=None)
        return {c.id: c.severity for c in diagnose_run(run).causes}.get("unnormalized_inputs") == "warning"

    assert accused(0.96, huge) and not accused(0.5, huge) and not accused(0.96, {})


@pytest.mark.parametrize(("ended", "severity"), [(True, "warning"), (False, "note")])
def test_a_setting_that_nothing_else_brings_about_is_accused_once_an_unclear_run_is_over(ended, severity):
    """A loss that swings without a direction, and a rate a thousand times too small."""
    table = s.with_column(s.layer_table(), "update_ratio", 1e-7)
    loss = 5.0 + np.random.default_rng(0).normal(0, 2.0, 400)
    steps = {"loss": s.series(loss), "learning_rate": s.series(np.full(400, 1e-7))}
    card = s.card(loss={}, steps_per_epoch=None, epochs=None)
    run = replace(s.healthy(layers=table, steps=steps, card=card, data=None, targets=None, epochs={}), ended=ended)
    report = diagnose_run(run)
    assert (report.verdict.state, report.causes[0].id) == ("inconclusive", "learning_rate_too_low")
    assert report.causes[0].severity == severity

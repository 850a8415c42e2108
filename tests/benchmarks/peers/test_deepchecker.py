from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from benchmarks.peers import deepchecker
from benchmarks.peers.answer import Case
from tb_lossdiag.run import Run

STEPS = np.arange(1, 41)
KERNEL = ("hidden_2/kernel",)


def mean_gradients(values):
    """A layer table of 40 steps in a row whose variables have these mean absolute gradients."""
    table = s.layer_table(STEPS)
    kinds = np.array([row.kind == "variable" for row in table.rows])
    column = np.where(kinds, np.broadcast_to(np.asarray(values, float), len(STEPS))[:, None], np.nan)
    return replace(
        table,
        columns=(*table.columns, "gradient_mean_abs"),
        values=np.concatenate([table.values, column[:, :, None]], axis=2).astype(np.float32),
    )


def gradients(values) -> Run:
    return s.healthy(layers=mean_gradients(values))


def with_cell(column: str, value, rows: tuple[str, ...], from_step: int = 0) -> Run:
    table = s.with_column(s.layer_table(STEPS), column, value, rows=rows, from_step=from_step)
    return s.healthy(layers=table)


def growing(factor: float) -> Run:
    """A kernel whose norm grows by this factor from step 30 to 34."""
    table = s.layer_table(STEPS)
    for step in range(30, 35):
        table = s.with_column(table, "weight_norm", 5 * factor ** (step - 29), rows=KERNEL, from_step=step)
    return s.healthy(layers=table)


def initial(std: float) -> Run:
    return s.healthy(card=s.with_layer(s.card(), "hidden_1", settings={"kernel_std": std}))


def shares(*mean) -> Run:
    return s.healthy(card=s.card(settings={"classes": len(mean)}), targets=s.target_table(mean=mean))


def losing(values) -> Run:
    return s.healthy(steps=s.loss(values))


def regression(**target) -> Run:
    return s.healthy(card=s.card(loss={"name": "mean_squared_error"}), data=s.data_table(target=target))


HE = np.sqrt(2 / 64)
SWINGING = np.repeat(np.tile([2.0, 2.2], 10), 10)
EXAMPLES = {
    "nonfinite": (losing([1.0, np.nan]), s.healthy()),
    "constant_features": (s.healthy(data=s.data_table(input={"std": 0.0})), s.healthy()),
    "unnormalized_features": (s.healthy(data=s.data_table(input={"mean": 0.02})), s.healthy()),
    "unnormalized_features of pixels": (
        s.healthy(data=s.data_table(input={"min": 0.0, "max": 255.0, "mean": 40.0, "std": 60.0})),
        s.healthy(data=s.data_table(input={"min": 0.0, "max": 1.0, "mean": 0.3, "std": 0.4})),
    ),
    "unscaled_targets": (regression(mean=300.0, std=80.0), regression(mean=0.0, std=1.0)),
    "unscaled_targets of classes": (regression(mean=300.0, std=80.0), s.healthy()),
    "unbalanced_labels": (shares(0.97, 0.01, 0.01, 0.01), shares(0.4, 0.2, 0.2, 0.2)),
    "symmetric_weights": (initial(0.0), initial(0.01)),
    "initial_variance": (initial(HE * 1.7), initial(HE * 1.6)),
    "initial_loss": (losing([4.7, 2.3]), losing([4.5, 2.3])),
    "dead_layer": (
        with_cell("activation_dead_share", 0.51, ("hidden_1",)),
        with_cell("activation_dead_share", 0.5, ("hidden_1",)),
    ),
    "saturated_layer": (
        with_cell("activation_saturated_share", 0.86, ("hidden_1",)),
        with_cell("activation_saturated_share", 0.84, ("hidden_1",)),
    ),
    "activation_scale": (
        with_cell("activation_std", 0.3, ("hidden_1",)),
        with_cell("activation_std", 0.31, ("hidden_1",)),
    ),
    "diverging_weights": (growing(2.0), growing(1.9)),
    "vanishing_gradients": (gradients(9e-7), gradients(1.1e-6)),
    "vanishing_gradients by decay": (gradients(0.5**STEPS), gradients(0.75 ** (STEPS / 2))),
    "exploding_gradients": (gradients(1.1e6), gradients(9e5)),
    "exploding_gradients by growth": (gradients(1e-9 * 2.0**STEPS), gradients(1e-9 * 1.9**STEPS)),
    "untrained_weights": (with_cell("update_ratio", 0, KERNEL), s.healthy()),
    "fast_weights": (with_cell("update_ratio", 0.11, KERNEL), with_cell("update_ratio", 0.09, KERNEL)),
    "fast_weights are not untrained ones": (
        with_cell("update_ratio", 0.11, KERNEL),
        with_cell("update_ratio", 0, KERNEL),
    ),
    "slow_weights": (with_cell("update_ratio", 9e-5, KERNEL), with_cell("update_ratio", 1.1e-4, KERNEL)),
    "diverging_loss": (losing(2.0 ** (np.arange(100) // 10)), losing(1.9 ** (np.arange(100) // 10))),
    "stagnated_loss": (losing(np.full(100, 2.3)), losing(0.94 ** (np.arange(100) // 10))),
    "fluctuating_loss": (losing(SWINGING), losing(np.linspace(2, 1, 200))),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_fires_on_its_fault_and_stays_quiet_below_its_threshold(name):
    sick, quiet = EXAMPLES[name]
    rule = getattr(deepchecker, name.split()[0])
    assert rule(sick) is not None
    assert rule(quiet) is None


def test_layers_are_judged_after_the_tenth_step_and_within_its_fit():
    table = s.with_column(s.layer_table(np.arange(1, 11)), "activation_dead_share", 1.0)
    assert deepchecker.dead_layer(s.healthy(layers=table)) is None
    late = s.with_column(s.layer_table(), "activation_dead_share", 1.0, from_step=201)
    assert deepchecker.dead_layer(s.healthy(layers=late)) is None


def test_growth_between_records_far_apart_is_not_judged():
    steps = np.arange(20, 200, 20)
    table = s.layer_table(steps)
    for step in steps:
        table = s.with_column(table, "weight_norm", 2.0 ** (step / 20), rows=KERNEL, from_step=step)
    assert deepchecker.diverging_weights(s.healthy(layers=table)) is None


def test_the_answer_names_the_cause_of_its_most_telling_rule_first():
    answer = deepchecker.ask(Case(with_cell("update_ratio", 0.5, KERNEL), None))
    assert answer.alarmed and answer.causes[0] == "learning_rate_too_high"


def test_an_empty_run_is_judged_quiet():
    answer = deepchecker.ask(Case(Run("empty"), None))
    assert answer.ran and not answer.alarmed and not answer.said

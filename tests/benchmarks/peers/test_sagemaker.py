from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from benchmarks.peers import sagemaker
from benchmarks.peers.answer import Case
from tb_lossdiag.run import Run


def mean_gradients(mean: float):
    """The healthy layer table with a mean absolute gradient, in the variables' rows alone."""
    table = s.layer_table()
    column = np.where([row.kind == "variable" for row in table.rows], mean, np.nan)
    values = np.broadcast_to(column[None, :, None], (*table.values.shape[:2], 1))
    return replace(
        table,
        columns=(*table.columns, "gradient_mean_abs"),
        values=np.concatenate([table.values, values], axis=2).astype(np.float32),
    )


def with_cell(column: str, value: float, rows: tuple[str, ...]) -> Run:
    return s.healthy(layers=s.with_column(s.layer_table(), column, value, rows=rows))


def flat_start(mean: float) -> Run:
    """Ten steps and more at the same loss, with this mean absolute gradient."""
    return s.healthy(steps=s.loss(np.full(100, 2.3)), layers=mean_gradients(mean))


def of_classes(shares) -> Run:
    return s.healthy(card=s.card(settings={"classes": len(shares)}), targets=s.target_table(mean=shares))


FALLING, RISING = np.linspace(2, 1, 12), np.linspace(1, 2, 12)
EVEN, UNEVEN = (0.2,) * 5, (0.93, 0.0175, 0.0175, 0.0175, 0.0175)
KERNEL = ("hidden_1/kernel",)
EXAMPLES = {
    "exploding_tensor": (s.healthy(steps=s.loss([1.0, np.inf, np.nan])), s.healthy()),
    "exploding_tensor by a gradient": (with_cell("gradient_nonfinite", 3, KERNEL), s.healthy()),
    "vanishing_gradient": (s.healthy(layers=mean_gradients(9e-8)), s.healthy(layers=mean_gradients(1.1e-7))),
    "dead_relu": (
        with_cell("activation_dead_share", 0.51, ("hidden_2",)),
        with_cell("activation_dead_share", 0.5, ("hidden_2",)),
    ),
    "dead_relu of the last layer": (
        with_cell("activation_dead_share", 0.51, ("hidden_3",)),
        with_cell("activation_dead_share", 1.0, ("output",)),
    ),
    "saturated_activation": (
        with_cell("activation_saturated_share", 0.6, ("hidden_1",)),
        with_cell("activation_saturated_share", 0.4, ("hidden_1",)),
    ),
    "poor_weight_initialization": (flat_start(2e-4), flat_start(3e-4)),
    "poor_weight_initialization of a loss that falls": (flat_start(2e-4), s.healthy(layers=mean_gradients(2e-4))),
    "large_update": (with_cell("update_ratio", 11, KERNEL), with_cell("update_ratio", 9, KERNEL)),
    "small_update": (with_cell("update_ratio", 0, KERNEL), with_cell("update_ratio", 2e-8, KERNEL)),
    "unchanged_tensor": (with_cell("update_ratio", 9e-6, KERNEL), with_cell("update_ratio", 1.1e-5, KERNEL)),
    "all_zero": (with_cell("gradient_zero_share", 1, KERNEL), with_cell("gradient_zero_share", 0.99, KERNEL)),
    "class_imbalance": (of_classes(UNEVEN), of_classes(EVEN)),
    "overfit": (
        s.healthy(epochs=s.epochs(loss=FALLING, val_loss=FALLING * 1.2)),
        s.healthy(epochs=s.epochs(loss=FALLING, val_loss=FALLING * 1.05)),
    ),
    "overtraining": (
        s.healthy(epochs=s.epochs(loss=RISING, val_loss=RISING)),
        s.healthy(epochs=s.epochs(loss=FALLING, val_loss=RISING)),
    ),
    "loss_not_decreasing": (
        s.healthy(steps=s.loss(np.full(100, 2.3))),
        s.healthy(steps=s.loss(np.linspace(2.3, 0.1, 100))),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_rule_fires_on_its_fault_and_stays_quiet_below_its_threshold(name):
    sick, quiet = EXAMPLES[name]
    rule = getattr(sagemaker, name.split()[0])
    assert rule(sick) is not None
    assert rule(quiet) is None


def test_a_tensor_that_rests_for_two_saves_only_is_not_unchanged():
    table = s.with_column(s.layer_table(), "update_ratio", 0, rows=KERNEL, from_step=380)
    assert list(table.steps[table.steps >= 380]) == [380, 400]
    assert sagemaker.unchanged_tensor(s.healthy(layers=table)) is None


def test_the_answer_names_the_cause_of_its_most_telling_rule_first():
    run = with_cell("activation_dead_share", 1.0, ("hidden_2",))
    answer = sagemaker.ask(Case(run, None))
    assert answer.alarmed and answer.causes[0] == "dying_relu"
    assert answer.said[0].startswith("DeadRelu: hidden_2 activation_dead_share 1")


def test_an_empty_run_is_judged_quiet():
    answer = sagemaker.ask(Case(Run("empty"), None))
    assert answer.ran and not answer.alarmed and not answer.said

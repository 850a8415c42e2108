import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.optimizer_efficiency import LOW, check
from tb_lossdiag.run import ModelCard

RATE = 1e-3


def moved(efficiency, name="Adam", run=None, **config):
    """A run whose every step has this rms(update) / learning rate."""
    card = s.card(optimizer={"name": name, "config": {"learning_rate": RATE, **config}})
    norm = np.asarray(efficiency) * RATE * np.sqrt(card.trainable_parameters)
    return s.with_steps(run or s.healthy(card=card), update_norm=norm, weight_norm=5.0)


@pytest.mark.parametrize(("efficiency", "level"), [
    (1.0, "usual"), (LOW * 1.01, "usual"), (LOW * 0.99, "low"), (5e-6, "low"), (0.0, "low"),
])  # fmt: skip
def test_a_first_step_far_below_the_learning_rate_is_low(efficiency, level):
    found = check(moved(efficiency))
    assert found.sign("level") == level
    assert (found.state, found.onset) == (("found", 1) if level == "low" else ("not_found", None))
    assert found.sign("efficiency") == found.evidence[0].value == pytest.approx(efficiency)


def test_only_the_first_steps_count_as_a_converged_training_sinks():
    falling = np.where(s.STEPS <= 3, 1.0, 1e-3)
    assert check(moved(falling)).sign("efficiency") == pytest.approx(1.0)


@pytest.mark.parametrize(("config", "expected"), [({}, 10**0.5), ({"rho": 0.99}, 10.0), ({"rho": 1.0}, None)])
def test_rmsprop_starts_above_its_learning_rate(config, expected):
    found = check(moved(expected or 1.0, "RMSprop", **config))
    assert found.state == ("not_found" if expected else "not_run")
    if expected:
        assert found.sign("efficiency") == pytest.approx(1.0)


def test_weights_without_a_gradient_do_not_count():
    table = s.with_column(s.layer_table(), "gradient_zero_share", 0.96)
    sparse = moved(0.2 * 0.9, run=s.healthy(layers=table))
    assert check(sparse).sign("efficiency") == pytest.approx(0.9)
    assert "the 96% without a gradient left aside" in check(sparse).evidence[0].text
    assert check(moved(0.2 * LOW * 0.9, run=s.healthy(layers=table))).found


def test_layers_count_by_their_parameters():
    largest = s.with_column(s.layer_table(), "gradient_zero_share", 1.0, ["hidden_1/kernel"])
    share = s.card().layer("hidden_1").parameters / s.card().parameters
    found = check(moved(np.sqrt(1 - share), run=s.healthy(layers=largest)))
    assert found.sign("efficiency") == pytest.approx(1.0)


def test_hardly_any_gradient_decides_nothing():
    table = s.with_column(s.layer_table(), "gradient_zero_share", 0.995)
    assert check(moved(1e-6, run=s.healthy(layers=table))).state == "inconclusive"


def test_a_rate_below_the_rounding_of_the_weights_decides_nothing():
    card = s.card()
    run = s.with_steps(moved(0.0), learning_rate=1e-9, weight_norm=np.sqrt(card.trainable_parameters))
    assert check(run).state == "inconclusive"


def test_a_log_that_starts_late_decides_nothing():
    run = moved(1e-3)
    late = {name: part.between(21, 400) for name, part in run.steps.items()}
    assert check(s.healthy(steps=late)).state == "inconclusive"


@pytest.mark.parametrize("steps", [4, None])
def test_steps_put_off_by_accumulation_are_passed_over(steps):
    every_fourth = np.where(s.STEPS % 4 == 0, 0.9, 0.0)
    card = s.card(optimizer={"name": "Adam", "config": {"gradient_accumulation_steps": steps}})
    found = check(moved(every_fourth, run=s.healthy(card=card)))
    assert found.sign("level") == ("usual" if steps else "low")


@pytest.mark.parametrize("run", [
    moved(1e-6, "SGD"), moved(1e-6, "Adafactor"), s.healthy(), s.healthy(card=None), s.healthy(card=ModelCard()),
    s.with_steps(moved(1e-6), learning_rate=None),
])  # fmt: skip
def test_other_optimizers_and_logs_without_updates_are_not_run(run):
    assert check(run).state == "not_run" and check(run).needs


def test_a_damaged_log_does_not_raise():
    for run in s.hostile(moved(0.5)):
        assert check(run).id == "optimizer_efficiency"

"""The way from a Run to a Report: nothing a log can hold, and no check that breaks, takes the report down."""

import json
from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.causes import CANDIDATES
from tb_lossdiag.diagnosis.report import CONFIDENCES, SEVERITIES, VERDICTS
from tb_lossdiag.diagnosis.symptoms import SYMPTOMS, flatness
from tb_lossdiag.run import Event, Run

VALUES = (np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-30, 1e30, 3e38)
ACTIVATIONS = ("relu", "sigmoid", "tanh", "softmax", "linear", None, "mine")
LOSSES = ("sparse_categorical_crossentropy", "CategoricalCrossentropy", "binary_crossentropy", "mse", "mae", "mine", "")
OPTIMIZERS = (
    {},
    {"name": "SGD", "config": {}},
    {"name": "Adam", "config": {"learning_rate": np.nan}},
    {"config": None},
)
CURVES = ("loss", "val_loss", "accuracy", "binary_accuracy")


def damaged_table(random, table):
    """Now and then none; else with wrong values in some cells, rows and columns, or with parts cut away."""
    if random.random() < 0.1:
        return None
    values = table.values.copy()
    for _ in range(random.integers(4)):
        i, j = random.integers(values.shape[1]), random.integers(values.shape[2])
        values[random.integers(len(values)) :, i, j] = random.choice(VALUES)
    cells = random.random(values.shape) < random.choice([0, 0, 0.05, 0.5])
    values[cells] = random.choice(VALUES, cells.sum())
    table = replace(table, values=values)
    match random.integers(8):
        case 0:
            return s.first_steps(table, random.integers(2))
        case 1:
            kept = np.flatnonzero(random.random(len(table.columns)) < 0.6)
            return replace(table, columns=tuple(table.columns[i] for i in kept), values=values[:, :, kept])
        case 2:
            kept = np.flatnonzero(random.random(len(table.rows)) < 0.4)
            return replace(table, rows=tuple(table.rows[i] for i in kept), values=values[:, kept])
    return table


def damaged_series(random, lengths):
    values = np.abs(random.normal(random.choice([0, 1, 100]), 1, random.choice(lengths)))
    wrong = random.random(len(values)) < random.choice([0, 0, 0.1, 1])
    values[wrong] = random.choice(VALUES, wrong.sum())
    return s.series(values, np.arange(len(values)) + random.integers(2))


def damaged_card(random):
    if random.random() < 0.1:
        return None
    card = s.card(
        loss={"name": str(random.choice(LOSSES)), "from_logits": bool(random.integers(2)), "reads_logits": False},
        optimizer=OPTIMIZERS[random.integers(len(OPTIMIZERS))],
    )
    for layer in card.layers:
        settings = {name: float(random.choice(VALUES)) for name in ("kernel_std", "bias_mean", "bias_max")}
        changes = {
            "activation": ACTIVATIONS[random.integers(len(ACTIVATIONS))],
            "units": (None, 1, 2, layer.units)[random.integers(4)],
            "trainable": bool(random.random() < 0.8),
        }
        card = s.with_layer(card, layer.path, settings if random.random() < 0.3 else None, **changes)
    return replace(card, layers=card.layers if random.random() < 0.9 else ())


def damaged_run(seed):
    random = np.random.default_rng(seed)
    names = [name for name in ("loss", "learning_rate", "penalty", "gradient_norm") if random.random() < 0.7]
    steps = {name: damaged_series(random, (0, 1, 2, 12, 60, 400)) for name in names}
    if random.random() < 0.4:
        steps["loss"] = s.series(s.flat() if random.random() < 0.5 else s.falling())
    return Run(
        f"run {seed}",
        damaged_card(random),
        steps,
        {name: damaged_series(random, (0, 1, 3, 8, 20)) for name in CURVES if random.random() < 0.6},
        damaged_table(random, s.layer_table()),
        damaged_table(random, s.data_table()),
        damaged_table(random, s.target_table([0.5] if random.random() < 0.5 else None)),
        (Event(1, "no_gradient", {"rows": ["hidden_1/kernel"]}), Event(2, "mark"))[: random.integers(3)],
    )


@pytest.mark.parametrize("first", range(0, 300, 30))
def test_a_damaged_run_gets_a_stable_report_in_valid_json(first):
    """A warning is an error here, and an error inside a check would show in what the check needs."""
    for seed in range(first, first + 30):
        report = diagnose_run(damaged_run(seed))
        assert not any("this check failed" in check.needs for check in report.checks), seed
        assert len(report.checks) == len(SYMPTOMS)
        assert report.verdict.state in VERDICTS and report.verdict.headline.endswith(".")
        assert {cause.confidence for cause in report.causes} <= set(CONFIDENCES)
        assert {cause.severity for cause in report.causes} <= set(SEVERITIES)
        text = report.to_json()
        assert "NaN," not in text.replace('"NaN",', "") and json.loads(text)["run"] == f"run {seed}"
        assert text == diagnose_run(damaged_run(seed)).to_json(), seed


def broken(run):
    raise IndexError("beyond the end")


def test_a_broken_check_says_so_in_its_place_and_leaves_the_others_alone(monkeypatch):
    whole = diagnose_run(s.stuck())
    monkeypatch.setattr(flatness, "check", broken)
    report = diagnose_run(s.stuck())
    failed = next(check for check in report.checks if check.id == "flatness")
    assert failed.state == "inconclusive" and failed.needs == "this check failed: IndexError: beyond the end"
    assert [c for c in report.checks if c.id != "flatness"] == [c for c in whole.checks if c.id != "flatness"]


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda symptom: symptom.ID)
def test_any_one_check_may_break_without_taking_the_report_down(monkeypatch, symptom):
    monkeypatch.setattr(symptom, "check", broken)
    assert diagnose_run(s.stuck()).verdict.state in VERDICTS


@pytest.mark.parametrize(
    "settings", [{"kernel_std": "wide"}, {"kernel_std": None}, {"rate": "fast"}, {"kernel_std": []}]
)
def test_layer_settings_of_another_kind_cost_one_check_at_most(settings):
    report = diagnose_run(s.stuck(card=s.with_layer(s.card(), "hidden_1", settings)))
    assert sum("this check failed" in check.needs for check in report.checks) <= 1


def test_the_report_carries_the_facts_it_rests_on():
    facts = dict(diagnose_run(s.healthy(restarts=(7,))).facts)
    guess = pytest.approx(np.log(s.CLASSES))
    assert facts == {"constant_loss": guess, "shuffled_loss": None, "last_step": 400, "restarts": [7]}


def test_what_could_not_be_read_is_noted():
    assert diagnose_run(s.healthy(skipped=("a tag",))).notes == ("a tag",)


def test_a_variable_without_gradient_is_no_explosion():
    """As the recorder writes it: NaN statistics and an event, not zeros."""
    rows = ["hidden_1/kernel", "hidden_1/bias"]
    table = s.with_column(s.layer_table(), "gradient_norm", np.nan, rows)
    table = s.with_column(table, "update_ratio", 0.0, rows)
    report = diagnose_run(s.stuck(layers=table, events=(Event(1, "no_gradient", {"rows": rows}),)))
    assert "exploding_gradients" not in [cause.id for cause in report.causes]


def test_a_broken_cause_is_noted_and_leaves_the_others_standing(monkeypatch):
    def broken(findings):
        raise ZeroDivisionError("no steps")

    candidate = replace(CANDIDATES[0], title="Broken", requires=(broken,))
    monkeypatch.setattr("tb_lossdiag.diagnosis.ranking.CANDIDATES", (candidate, *CANDIDATES))
    report = diagnose_run(s.stuck(layers=s.with_column(s.layer_table(), "update_ratio", 1e-6)))
    assert report.notes == ("Broken: could not be argued (ZeroDivisionError: no steps)",)
    assert report.verdict.cause == "learning_rate_too_low"


def test_a_run_stalled_at_a_useful_level_is_not_accused_for_its_narrow_layer():
    card = s.with_layer(s.card(), "hidden_2", units=4)
    run = s.healthy(card=card, steps={"loss": s.series(s.flat(level=1.0))})
    report = diagnose_run(run)
    assert report.verdict.state == "stalled" and report.severity in ("none", "note")


@pytest.mark.parametrize(("level", "severity"), [(1.0, "warning"), (0.3, "note")])
def test_a_bottleneck_of_two_units_is_accused_up_to_a_skill_of_four_fifths(level, severity):
    card = s.with_layer(s.card(), "hidden_2", units=2)
    report = diagnose_run(s.healthy(card=card, steps={"loss": s.series(s.flat(level, noise=0.002))}))
    assert (report.causes[0].id, report.severity) == ("insufficient_capacity", severity)

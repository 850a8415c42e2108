"""What holds for every symptom: any log, however damaged, gets one of four states, never an exception."""

from dataclasses import replace

import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.report import STATES
from tb_lossdiag.diagnosis.symptoms import SYMPTOMS
from tb_lossdiag.run import ModelCard, Run

TABLES = {"layers": s.layer_table, "data": s.data_table, "targets": s.target_table}
CARDS = {
    "an empty card": ModelCard(),
    "a card without layers": s.card(layers=()),
    "a card without settings": s.card(layers=tuple(replace(layer, settings={}) for layer in s.card().layers)),
    "layers of unknown size": s.card(layers=tuple(replace(layer, units=None) for layer in s.card().layers)),
    "an unknown loss": s.card(loss={"name": "my_loss"}),
    "an empty loss": s.card(loss={}),
    "a regression": s.card(loss={"name": "mse"}),
    "an absolute regression": s.card(loss={"name": "MeanAbsoluteError"}),
    "a yes or no": s.card(loss={"name": "BinaryCrossentropy"}),
}
LOSSES = {
    "no loss": [],
    "one loss": [2.3],
    "only NaN": [np.nan] * 100,
    "only Inf": [np.inf] * 100,
    "both infinities": [np.inf, -np.inf] * 50,
    "only zeros": [0.0] * 100,
    "negative losses": [-3.0] * 100,
    "huge losses": [3e38] * 100,
}


def _damaged_tables():
    for name, build in TABLES.items():
        table = build()
        for value in (np.nan, np.inf, -np.inf, 0.0, -1.0, 3e38):
            yield f"{name} all {value}", {name: s.filled(table, value)}
        yield f"{name} missing", {name: None}
        yield f"{name} without steps", {name: s.first_steps(table, 0)}
        yield f"{name} with one step", {name: s.first_steps(table, 1)}
        yield f"{name} without rows", {name: replace(table, rows=(), values=table.values[:, :0])}
        yield f"{name} without columns", {name: replace(table, columns=(), values=table.values[:, :, :0])}
        for kind in dict.fromkeys(row.kind for row in table.rows):
            yield f"{name} of {kind} only", {name: table.of_kind(kind)}
        for column in table.columns:
            yield f"{name} without {column}", {name: s.without_column(table, column)}
            one = table.values.copy()
            one[..., table.columns.index(column)] = np.nan
            yield f"{name} with {column} all NaN", {name: replace(table, values=one)}


RUNS = {
    "nothing at all": Run("empty"),
    "a healthy run": s.healthy(),
    **{f"{name} under {task}": s.stuck(card=CARDS[task], **damage)
       for name, damage in _damaged_tables() for task in ("a regression", "a yes or no")},
    **{name: s.stuck(**damage) for name, damage in _damaged_tables()},
    **{name: s.stuck(card=card) for name, card in CARDS.items()},
    **{name: s.healthy(steps=s.loss(values)) for name, values in LOSSES.items()},
    **{f"{name} per epoch": Run("epochs", epochs=s.epochs(loss=values, val_loss=values, accuracy=values), card=s.card(),
                                targets=s.target_table()) for name, values in LOSSES.items()},
    **{f"{name} as the penalty": s.stuck(steps={**s.loss(s.flat()), "penalty": s.series(values)})
       for name, values in LOSSES.items()},
}  # fmt: skip


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda symptom: symptom.ID)
def test_every_run_gets_a_check_that_says_what_it_saw_or_what_it_needs(symptom):
    for name, run in RUNS.items():
        check = symptom.check(run)
        assert (check.id, check.title) == (symptom.ID, symptom.TITLE), name
        assert check.state in STATES, name
        if check.state == "found":
            assert check.onset is not None and check.evidence, name
        if check.state in ("not_run", "inconclusive"):
            assert check.needs, name
        for evidence in check.evidence:
            assert evidence.text.endswith(".") and evidence.source, name


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda symptom: symptom.ID)
def test_a_healthy_run_has_no_symptom(symptom):
    assert symptom.check(s.healthy()).state != "found"


@pytest.mark.parametrize("symptom", SYMPTOMS, ids=lambda symptom: symptom.ID)
def test_an_empty_run_runs_no_check(symptom):
    assert symptom.check(Run("empty")).state == "not_run"


def test_ids_and_titles_are_unique():
    assert len({symptom.ID for symptom in SYMPTOMS}) == len({symptom.TITLE for symptom in SYMPTOMS}) == len(SYMPTOMS)

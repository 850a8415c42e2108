"""Layers chosen by pattern: their rows are written, and what spans all layers still counts every variable."""

import keras
import numpy as np
import pytest

from recording.reading import Records
from recording.small_models import LAYERS, batches, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor, schema
from tb_lossdiag.recording.selection import Selection, selection, spread


def fit(tmp_path, **chosen):
    keras.utils.set_random_seed(0)
    hidden = [LAYERS.Dense(8, "relu", name="a"), LAYERS.Dense(8, name="b")]
    inner = keras.Sequential([LAYERS.Input((8,)), *hidden], name="block")
    model = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(8, name="first"), inner, LAYERS.Dense(3, name="out")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    callbacks = [LossDiagnostics(tmp_path, every=1, **chosen)] if chosen else []
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=callbacks)
    return model.get_weights()


def histograms(records):
    """{(row, quantity): shares of the first step}"""
    rows = records.card.rows
    lines = schema.histogram_lines([row.kind for row in rows])
    _, table = records.of(schema.HISTOGRAMS)[0]
    return {(rows[row].name, quantity): shares for (row, quantity), shares in zip(lines, table, strict=True)}


@pytest.mark.parametrize(("chosen", "layers"), [
    ({"include": "block/*"}, ["block/a", "block/b"]),
    ({"include": ["first", "block/b"]}, ["first", "block/b"]),
    ({"exclude": ["block/*"]}, ["first", "out"]),
    ({"include": "block/*", "exclude": "*/a"}, ["block/b"]),
])  # fmt: skip
def test_only_chosen_layers_have_rows(tmp_path, chosen, layers):
    weights = fit(tmp_path / "chosen", **chosen)
    assert same(weights, fit(tmp_path / "none"))
    fit(tmp_path / "all", include="*")
    some, whole = Records(tmp_path / "chosen"), Records(tmp_path / "all")
    assert list(dict.fromkeys(row.layer for row in some.card.rows)) == layers
    for row in some.card.rows:
        for column in schema.LAYER_COLUMNS:
            mine, theirs = some.cell(row.name, column), whole.cell(row.name, column)
            assert mine == pytest.approx(theirs, nan_ok=True, rel=1e-4, abs=1e-6)
    mine, theirs = (histograms(records) for records in (some, whole))
    assert len(mine) == sum(2 if row.kind == "variable" else 1 for row in some.card.rows)
    for line, shares in mine.items():
        np.testing.assert_array_equal(shares, theirs[line])
    for column in ("gradient_norm", "update_norm", "weight_norm"):
        assert some.column(column) == pytest.approx(whole.column(column))
    assert {name: some.card.settings[name] for name in chosen} == {
        name: [value] if isinstance(value, str) else value for name, value in chosen.items()
    }


def test_a_pattern_that_matches_no_layer_is_named_with_the_layers_there_are(tmp_path):
    with pytest.warns(RuntimeWarning, match="include='encoder/.*' matches no layer; there are first, block/a"):
        fit(tmp_path, include="encoder/*")


@pytest.mark.parametrize("chosen", [{"include": 3}, {"exclude": [None]}, {"include": {"a": 1}}])
def test_what_is_no_pattern_is_refused_at_construction(tmp_path, chosen):
    (name,) = chosen
    with pytest.raises(TypeError, match=f"{name}="):
        LossDiagnostics(tmp_path, **chosen)
    net = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(1)])
    with pytest.raises(TypeError, match=f"{name}="):
        TrainingMonitor(net, keras.optimizers.SGD(), tmp_path, **chosen)


def test_of_too_many_rows_an_even_part_is_kept():
    names = [str(i) for i in range(10)]
    assert spread(names, 10) == set(names)
    assert spread(names, 4) == {"0", "3", "6", "9"}


def test_without_patterns_every_layer_is_taken():
    assert selection(None, None) == Selection() and Selection().takes("any/layer")

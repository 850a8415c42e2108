"""LossDiagnostics on PyTorch: a fit with it is the fit without it, bit for bit; what fails in it leaves it alone."""

import functools

import keras
import numpy as np
import pytest
import torch
from recording.reading import Records
from recording.small_models import THREE_TERMS, ends, same, three_terms
from recording.torch_fits import (
    OPTIMIZERS,
    Broken,
    OneLayer,
    OwnStep,
    Twice,
    Weights,
    batches,
    by_hand,
    convolution,
    dense,
    fit,
    lstm,
    waves,
)  # fmt: skip

from tb_lossdiag import LossDiagnostics, schema
from tb_lossdiag.recording.torch import statistics

SAME = {
    "adam, batch norm, dropout, validation, partial batch": {
        "optimizer": "adam",
        "batch_size": 10,
        "validation_data": batches(),
        "compiled": {"metrics": ["accuracy"]},
    },
    "loss scale, clipnorm, decay, average": {
        "build": dense,
        "optimizer": lambda: OPTIMIZERS.LossScaleOptimizer(
            OPTIMIZERS.AdamW(0.01, weight_decay=0.1, clipnorm=0.05, use_ema=True)
        ),
    },
    "bfloat16, momentum, sample weights": {
        "policy": "mixed_bfloat16",
        "optimizer": lambda: OPTIMIZERS.SGD(0.1, momentum=0.9),
        "sample_weight": np.linspace(0.5, 2.0, 24, dtype="float32"),
    },
    "lstm, accumulation": {
        "build": lstm,
        "data": waves,
        "optimizer": lambda: OPTIMIZERS.SGD(0.1, gradient_accumulation_steps=2),
    },
    "own step": {"build": OwnStep, "optimizer": "rmsprop"},
    "two updates a step": {"build": Twice},
}


@functools.cache
def recorded(name, directory):
    """Whether the recorded fit is the same as the bare one, and its records."""
    weights, history, _ = fit(None, **SAME[name])
    ours, our_history, warned = fit(directory, **SAME[name])
    assert warned == []
    return same(weights, ours) and history == our_history, Records(directory)


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    where = tmp_path_factory.mktemp("same")
    return lambda name: recorded(name, where / name)


@pytest.mark.parametrize("name", SAME)
def test_a_recorded_training_has_the_same_weights_state_and_history(training, name):
    is_same, records = training(name)
    assert is_same
    assert records.steps(schema.LAYERS) == [1, 2, 4, 6]
    assert records.events("recording_stopped") == []
    assert np.isfinite(records.column("gradient_norm")[6])
    assert records.card.framework == f"keras {keras.__version__}, torch {torch.__version__}"


@pytest.mark.parametrize(
    ("build", "data", "optimizer"),
    [
        (dense, batches, lambda: OPTIMIZERS.SGD(0.1)),
        (lstm, waves, lambda: OPTIMIZERS.Adam(0.01)),
        (convolution, waves, lambda: OPTIMIZERS.SGD(0.1, momentum=0.9, clipnorm=0.05)),
    ],
    ids=["dense", "lstm", "convolution"],
)
def test_the_numbers_of_each_step_are_those_of_a_reference(tmp_path, build, data, optimizer):
    steps = Weights()
    fit(tmp_path, build, optimizer, data, every=1, callbacks=[steps], epochs=1, shuffle=False)
    records, (x, y) = Records(tmp_path), data()
    variables = [row.name for row in records.card.rows if row.kind == "variable"]
    for step, (before, after) in enumerate(zip(steps.before, steps.after, strict=True)):
        part = slice(8 * step, 8 * step + 8)
        known = by_hand(build, before, x[part], y[part])
        norms = [np.linalg.norm(gradient) for gradient in known["gradients"]]
        updates = [np.linalg.norm((b - a).astype(np.float64)) for b, a in zip(before, after, strict=True)]
        for name, value in {
            "loss": known["loss"],
            "penalty": known["penalty"],
            "gradient_norm": np.linalg.norm(norms),
            "update_norm": np.linalg.norm(updates),
            "weight_norm": np.linalg.norm([np.linalg.norm(weight) for weight in before]),
        }.items():
            assert records.column(name)[step + 1] == pytest.approx(value, rel=1e-4), name
        for name, norm, update, weight in zip(variables, norms, updates, before, strict=True):
            assert records.cell(name, "gradient_norm")[step] == pytest.approx(norm, rel=1e-4)
            assert records.cell(name, "update_norm")[step] == pytest.approx(update, rel=1e-3)
            assert records.cell(name, "weight_norm")[step] == pytest.approx(np.linalg.norm(weight), rel=1e-4)
        for name, value in {"mean": known["hidden"].mean(), "std": known["hidden"].std()}.items():
            assert records.cell("hidden", f"activation_{name}")[step] == pytest.approx(value, rel=1e-3, abs=1e-6)
        assert records.data("input:" + records.card.data_rows[0].name.split(":")[1], "mean")[step] == pytest.approx(
            x[part].astype(np.float64).mean(), rel=1e-3
        )
    if optimizer().clipnorm:
        clipped = np.linalg.norm([min(norm, 0.05) for norm in norms]) / np.linalg.norm(norms)
        assert records.column("clip_factor")[3] == pytest.approx(clipped, rel=1e-4)


def test_the_losses_of_outputs_and_what_a_layer_adds_are_terms(tmp_path):
    compiled = {"loss": THREE_TERMS}
    _, history, warned = fit(tmp_path, three_terms, data=ends, every=1, batch_size=24, epochs=3, compiled=compiled)
    assert warned == []
    Records(tmp_path).check_three_terms(history)


def test_the_halves_of_a_batch_agree_as_their_gradients_do(tmp_path):
    weights = dense().get_weights()
    fit(tmp_path, dense, epochs=1, shuffle=False)
    x, y = batches()
    halves = [by_hand(dense, weights, x[part], y[part])["gradients"][2].ravel() for part in (slice(4), slice(4, 8))]
    cosine = halves[0] @ halves[1] / np.linalg.norm(halves[0]) / np.linalg.norm(halves[1])
    assert Records(tmp_path).column("gradient_agreement")[1] == pytest.approx(cosine, rel=1e-4)


def test_the_card_has_the_model_as_keras_knows_it(training):
    card = training("adam, batch norm, dropout, validation, partial batch")[1].card
    assert [(layer.path, layer.kind, layer.activation, layer.units, layer.inputs) for layer in card.layers] == [
        ("hidden", "Dense", "relu", 8, ()),
        ("norm", "BatchNormalization", None, 8, ("hidden",)),
        ("drop", "Dropout", None, 8, ("norm",)),
        ("out", "Dense", "softmax", 3, ("drop",)),
    ]
    assert card.loss == {"name": "SparseCategoricalCrossentropy", "from_logits": False, "reads_logits": False}
    assert (card.optimizer["name"], card.batch_size, card.settings["classes"], card.metrics) == (
        *("Adam", 10, 3),
        ("accuracy",),
    )


def test_loss_scaling_is_undone_in_what_is_recorded(training):
    _, records = training("loss scale, clipnorm, decay, average")
    assert records.column("loss_scale")[1] == 2.0**15
    assert 0.0 < records.column("gradient_norm")[1] < 100.0
    assert 0.0 < records.column("clip_factor")[1] < 1.0
    assert 0.5 < records.column("loss")[1] < 5.0


def test_a_loss_that_only_a_custom_step_knows_is_the_one_it_differentiates(training):
    _, records = training("own step")
    assert [row.kind for row in records.card.data_rows] == ["input", "target", "prediction"]
    assert (records.cell("hidden", "activation_std") > 0).all()
    assert 0.5 < records.column("loss")[1] < 5.0


def test_of_two_updates_in_a_step_a_variables_last_gradient_counts(training):
    _, twice = training("two updates a step")
    _, once = training("own step")
    assert twice.cell("out/kernel", "gradient_norm")[0] == once.cell("out/kernel", "gradient_norm")[0]
    assert twice.cell("hidden/kernel", "gradient_norm")[0] != once.cell("hidden/kernel", "gradient_norm")[0]


def test_plain_steps_keep_the_loss_of_their_own_batch(tmp_path):
    for every, name in ((1, "every"), (100, "few")):
        fit(tmp_path / name, dense, every=every, epochs=3, batch_size=4)
    every, few = Records(tmp_path / "every"), Records(tmp_path / "few")
    truth, behind = every.column("loss"), few.column("loss")
    assert few.steps(schema.LAYERS) == [1, 18]
    assert list(behind) == [step for step in range(1, 19) if step not in (6, 12)]  # the last batch may be smaller
    assert list(behind.values()) == pytest.approx([truth[step] for step in behind], rel=1e-4)


def test_only_the_chosen_layers_have_rows_and_all_variables_count(tmp_path):
    fit(tmp_path / "chosen", dense, chosen={"include": "out"}, shuffle=False)
    fit(tmp_path / "all", dense, shuffle=False)
    chosen, whole = Records(tmp_path / "chosen"), Records(tmp_path / "all")
    assert [row.name for row in chosen.card.rows] == ["out/kernel", "out/bias", "out"]
    assert chosen.column("gradient_norm") == pytest.approx(whole.column("gradient_norm"), nan_ok=True)


def test_the_step_that_breaks_the_loss_is_told_and_the_next_are_sampled(tmp_path):
    x, y = batches(96)
    x[60, 0] = np.nan
    fit(tmp_path, dense, data=lambda: (x, y), every=100, shuffle=False, batch_size=4, epochs=1)
    records = Records(tmp_path)
    [event] = records.events("accident")
    assert (event["step"], event["reason"]) == (16, "nonfinite")
    assert records.steps(schema.LAYERS) == [1, 17, 18, 19, 24]


def test_a_compiled_step_trains_as_without_us_and_its_weights_are_recorded(tmp_path, monkeypatch):
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    small = {"build": OneLayer, "shuffle": False, "epochs": 1, "every": 1}
    weights = [
        fit(at, compiled={"loss": "mse", "jit_compile": True}, **small)[0] for at in (None, tmp_path / "compiled")
    ]
    fit(tmp_path / "eager", compiled={"loss": "mse"}, **small)
    assert same(*weights)
    compiled, eager = Records(tmp_path / "compiled"), Records(tmp_path / "eager")
    assert {row.kind for row in compiled.card.rows} == {"variable"}
    for column in ("gradient_norm", "update_norm", "learning_rate"):
        assert compiled.column(column) == pytest.approx(eager.column(column), rel=1e-4)
    assert compiled.column("loss")[2] == pytest.approx(eager.column("loss")[2], rel=1e-4)
    for row in ("input:x", "target:out"):
        assert compiled.data(row, "mean") == pytest.approx(eager.data(row, "mean"))


HOOKED = {"train_step", "compute_loss", "call", "apply"}


def is_untouched(model):
    return not any(HOOKED & set(vars(owner)) for owner in [model, model.optimizer, *model.layers])


def test_the_models_own_train_function_is_back_after_fit_and_a_second_fit_continues_the_steps(tmp_path):
    model, backward = dense(), torch.autograd.backward
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = LossDiagnostics(tmp_path, every=1)
    for _ in range(2):
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=[callback])
        assert type(model.train_function).__name__ == "function"
    assert is_untouched(model)
    assert torch.autograd.backward is backward
    assert Records(tmp_path).steps(schema.STEPS) == [1, 2, 3, 4, 5, 6]


def test_a_users_own_mistake_surfaces_without_a_word_of_ours(tmp_path):
    model = Broken()
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = LossDiagnostics(tmp_path)
    with pytest.raises(KeyError, match="the user's own"):
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=[callback])
    callback.on_train_end()  # as the next fit does
    assert is_untouched(model)
    assert Records(tmp_path).steps(schema.LAYERS) == []


@pytest.mark.parametrize("kernel", ["output_statistics", "data_statistics"])
def test_a_failure_of_ours_is_one_warning_one_event_and_no_difference(tmp_path, monkeypatch, kernel):
    weights, _, _ = fit(None)
    monkeypatch.setattr(statistics, kernel, lambda *_: 1 / 0)
    recorded, _, warned = fit(tmp_path)
    assert same(weights, recorded)
    assert ["stopped recording, the training goes on: ZeroDivisionError" in warning for warning in warned] == [True]
    assert len(Records(tmp_path).events("recording_stopped")) == 1


def test_a_fit_that_finds_something_ends_where_it_is_to_stop(tmp_path):
    _, history, [said] = fit(
        tmp_path, dense, lambda: OPTIMIZERS.SGD(0.0), chosen={"on_finding": "stop"}, every="auto", epochs=2000
    )
    assert len(history["loss"]) < 2000
    assert "Learning rate is zero" in said

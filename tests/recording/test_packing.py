"""Every recorded number of a training against an eager GradientTape loop and numpy: an MLP, a CNN and an LSTM."""

import keras
import numpy as np
import pytest

from recording.reading import Records
from recording.reference import cosine, train
from recording.shares import moved
from tb_lossdiag import LossDiagnostics, schema

LAYERS = keras.layers
BATCH, STEPS = 8, 3


def mlp():
    return keras.Sequential(
        [
            LAYERS.Input((4,), name="x"),
            LAYERS.Dense(6, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01), name="hidden"),
            LAYERS.Dense(5, activation="tanh", name="bounded"),
            LAYERS.Dense(3, activation="softmax", name="out"),
        ]
    )


def cnn():
    return keras.Sequential(
        [
            LAYERS.Input((6, 6, 2), name="x"),
            LAYERS.Conv2D(4, 3, activation="relu", name="conv"),
            LAYERS.MaxPooling2D(name="pool"),
            LAYERS.Flatten(name="flat"),
            LAYERS.Dense(3, activation="softmax", name="out"),
        ]
    )


def lstm():
    return keras.Sequential(
        [
            LAYERS.Input((5,), name="x"),
            LAYERS.Embedding(11, 4, name="words"),
            LAYERS.LSTM(6, name="memory"),
            LAYERS.Dense(3, activation="softmax", name="out"),
        ]
    )


def data(model):
    rng = np.random.default_rng(1)
    shape = (BATCH * STEPS, *model.input_shape[1:])
    x = rng.integers(0, 11, shape) if model.layers[0].name == "words" else rng.normal(size=shape).astype(np.float32)
    return x, rng.integers(0, 3, BATCH * STEPS)


@pytest.fixture(scope="module", params=[mlp, cnn, lstm], ids=lambda build: build.__name__)
def both(request, tmp_path_factory):
    """(records of a fit, the same training done by hand, its inputs and labels)."""
    keras.utils.set_random_seed(3)
    model = request.param()
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    x, y = data(model)
    log_dir = tmp_path_factory.mktemp("log")
    model.compile(keras.optimizers.Adam(0.01, clipnorm=0.1), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[LossDiagnostics(log_dir, every=1)])
    batches = [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, len(x), BATCH)]
    loss = keras.losses.SparseCategoricalCrossentropy()
    steps = train(twin, keras.optimizers.Adam(0.01, clipnorm=0.1), loss, batches)
    return Records(log_dir), steps, x, y


def close(found, expected, rel=1e-4):
    np.testing.assert_allclose(found, expected, rtol=rel, atol=1e-7)


def norm(arrays):
    return np.sqrt(sum((array**2).sum() for array in arrays))


def test_step_numbers(both):
    records, steps, _, _ = both
    close(list(records.column("loss").values()), [s.loss for s in steps])
    close(list(records.column("penalty").values()), [s.penalty for s in steps])
    close(list(records.column("learning_rate").values()), [0.01] * STEPS)
    close(list(records.column("gradient_norm").values()), [norm(s.gradients) for s in steps])
    close(list(records.column("weight_norm").values()), [norm(s.before) for s in steps])
    updates = [norm([b - a for a, b in zip(s.before, s.after, strict=True)]) for s in steps]
    close(list(records.column("update_norm").values()), updates, rel=1e-3)
    assert list(records.column("gradient_nonfinite").values()) == [0] * STEPS
    close(list(records.column("clip_factor").values()), [norm(s.clipped) / norm(s.gradients) for s in steps])
    assert min(records.column("clip_factor").values()) < 0.9
    close(list(records.column("gradient_agreement").values()), [cosine(*s.halves) for s in steps], rel=1e-3)
    assert np.isnan(list(records.column("loss_scale").values())).all()


def test_variable_rows_are_raw_gradients_weights_and_true_updates(both):
    records, steps, _, _ = both
    rows = [row.name for row in records.card.rows if row.kind == "variable"]
    for index, row in enumerate(rows):
        gradients = [s.gradients[index] for s in steps]
        before, after = ([getattr(s, name)[index] for s in steps] for name in ("before", "after"))
        close(records.cell(row, "gradient_norm"), [np.linalg.norm(g) for g in gradients])
        close(records.cell(row, "gradient_mean_abs"), [np.abs(g).mean() for g in gradients])
        close(records.cell(row, "gradient_max_abs"), [np.abs(g).max() for g in gradients])
        close(records.cell(row, "gradient_zero_share"), [(g == 0).mean() for g in gradients])
        close(records.cell(row, "weight_norm"), [np.linalg.norm(w) for w in before])
        updates = np.array([np.linalg.norm(b - a) for a, b in zip(before, after, strict=True)])
        close(records.cell(row, "update_norm"), updates, rel=1e-3)
        weights = np.array([np.linalg.norm(w) for w in before])
        ratios = np.divide(updates, weights, out=np.full(STEPS, np.nan), where=weights > 0)
        close(records.cell(row, "update_ratio"), ratios, rel=1e-3)
        kept = [(b == a)[g != 0].mean() for b, a, g in zip(before, after, gradients, strict=True)]
        close(records.cell(row, "unchanged_share"), kept)


def test_histograms_of_the_first_and_last_step_are_those_of_gradients_updates_and_outputs(both):
    records, steps, _, _ = both
    found = records.of(schema.HISTOGRAMS)
    assert [step for step, _ in found] == [1, STEPS]
    rows = records.card.rows
    lines = schema.histogram_lines([row.kind for row in rows])
    for number, table in found:
        step, variables = steps[number - 1], 0
        for (row, quantity), line in zip(lines, table, strict=True):
            if quantity == "activation":
                values = step.outputs[rows[row].name]
            else:
                index = variables % len(step.gradients)
                variables += 1
                values = step.gradients[index] if quantity == "gradient" else step.after[index] - step.before[index]
            allowed = 1 + 0.02 * values.size  # rounding may pass an edge
            assert moved(line, values) <= allowed, (rows[row].name, quantity)


def test_output_rows_are_what_the_layers_put_out(both):
    records, steps, _, _ = both
    for row in (row.name for row in records.card.rows if row.kind == "output"):
        outputs = [s.outputs[row] for s in steps]
        close(records.cell(row, "activation_mean"), [a.mean() for a in outputs])
        close(records.cell(row, "activation_std"), [a.std() for a in outputs])
        close(records.cell(row, "activation_max_abs"), [np.abs(a).max() for a in outputs])
        close(records.cell(row, "activation_zero_share"), [(a == 0).mean() for a in outputs])
        close(records.cell(row, "activation_unit_std"), [a.std(axis=0).mean() for a in outputs])
        assert records.cell(row, "activation_nonfinite").tolist() == [0] * STEPS
        activation = records.card.layer(row).activation
        flat = [a.reshape(-1, a.shape[-1]) for a in outputs]
        dead = [(a.max(axis=0) <= 0).mean() for a in flat] if activation == "relu" else [np.nan] * STEPS
        close(records.cell(row, "activation_dead_share"), dead)
        saturated = [(np.abs(a) > 0.95).mean() for a in flat] if activation == "tanh" else [np.nan] * STEPS
        close(records.cell(row, "activation_saturated_share"), saturated)


def test_data_rows_are_inputs_targets_and_predictions(both):
    records, steps, x, y = both
    rows = [row.name for row in records.card.data_rows]
    assert rows == ["input:x", "target:out", "prediction:out"]
    tensors = [
        [part.astype(np.float64) for part in np.split(x, STEPS)],
        [part.astype(np.float64) for part in np.split(y, STEPS)],
        [s.prediction for s in steps],
    ]
    for row, values in zip(rows, tensors, strict=True):
        features = [v.reshape(-1, v.shape[-1] if v.ndim > 1 else 1) for v in values]
        close(records.data(row, "min"), [v.min() for v in values])
        close(records.data(row, "max"), [v.max() for v in values])
        close(records.data(row, "mean"), [v.mean() for v in values])
        close(records.data(row, "std"), [v.std() for v in values])
        close(records.data(row, "feature_std_min"), [f.std(axis=0).min() for f in features])
        close(records.data(row, "feature_std_max"), [f.std(axis=0).max() for f in features])
        close(records.data(row, "feature_mean_max"), [np.abs(f.mean(axis=0)).max() for f in features])
        close(records.data(row, "diversity"), [v.std(axis=0).mean() / np.abs(v).mean() for v in values])
    assert records.data("target:out", "out_of_range").tolist() == [0] * STEPS
    chosen = [np.bincount(s.prediction.argmax(axis=-1)).max() / BATCH for s in steps]
    close(records.data("prediction:out", "majority_share"), chosen)
    assert records.data("prediction:out", "extreme_share").tolist() == [0] * STEPS
    for column in ("majority_share", "extreme_share"):
        assert np.isnan(records.data("target:out", column)).all()


def test_targets_are_class_shares(both):
    records, _, _, y = both
    for (_, table), labels in zip(records.of(schema.TARGETS), np.split(y, STEPS), strict=True):
        close(table[:, 0], np.bincount(labels, minlength=3) / BATCH)


def test_rows_follow_the_data_through_the_model(both):
    records, _, _, _ = both
    outputs = [row.name for row in records.card.rows if row.kind == "output"]
    assert outputs == [layer.path for layer in records.card.layers]
    for layer in records.card.layers[1:]:
        assert layer.inputs == (outputs[outputs.index(layer.path) - 1],)
    for index, row in enumerate(records.card.rows):
        if row.kind == "variable":
            assert index < [r.name for r in records.card.rows].index(row.layer)


def fitted(tmp_path, model, x, y, loss="mse"):
    model.compile("sgd", loss)
    model.fit(x, y, verbose=0, batch_size=4, callbacks=[LossDiagnostics(tmp_path, every=1)])
    return Records(tmp_path)


def test_each_call_of_a_shared_layer_has_a_row(tmp_path):
    shared = LAYERS.Dense(3, name="shared")
    x = keras.Input((3,))
    records = fitted(
        tmp_path, keras.Model(x, shared(shared(x))), np.ones((4, 3), np.float32), np.ones((4, 3), np.float32)
    )
    assert [row.name for row in records.card.rows] == ["shared/kernel", "shared/bias", "shared", "shared #2"]


def test_several_inputs_and_outputs_and_the_losses_of_these_each_have_a_data_row(tmp_path):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    first, second = LAYERS.Dense(1, name="p")(a), LAYERS.Dense(2, name="q")(b)
    model = keras.Model({"a": a, "b": b}, {"p": first, "q": second})
    x = {"a": np.ones((4, 2), np.float32), "b": np.ones((4, 3), np.float32)}
    y = {"p": np.ones((4, 1), np.float32), "q": np.ones((4, 2), np.float32)}
    rows = [row.name for row in fitted(tmp_path, model, x, y).card.data_rows]
    data = ["input:a", "input:b", "target:p", "target:q", "prediction:p", "prediction:q"]
    assert rows == [*data, "loss:p_loss", "loss:q_loss"]


def test_an_unreached_variable_is_reported_once(tmp_path):
    x = keras.Input((3,))
    used, unused = LAYERS.Dense(1, name="used"), LAYERS.Dense(1, name="unused")
    model = keras.Model(x, used(x) + keras.ops.stop_gradient(unused(x)))
    with_warning = "Gradients do not exist for variables"
    with pytest.warns(UserWarning, match=with_warning):
        records = fitted(tmp_path, model, np.ones((8, 3), np.float32), np.ones((8, 1), np.float32))
    assert records.events("no_gradient") == [
        {"step": 1, "kind": "no_gradient", "rows": ["unused/kernel", "unused/bias"]}
    ]
    assert np.isnan(records.cell("unused/kernel", "gradient_norm")).all()
    assert records.cell("unused/kernel", "update_norm").tolist() == [0.0, 0.0]


def test_nonfinite_inputs_are_counted_where_they_are(tmp_path):
    x = np.ones((4, 3), np.float32)
    x[0, 0], x[1, 1] = np.nan, np.inf
    model = keras.Sequential([LAYERS.Input((3,), name="x"), LAYERS.Dense(1, name="out")])
    records = fitted(tmp_path, model, x, np.ones((4, 1), np.float32))
    assert records.data("input:x", "nonfinite").tolist() == [2.0]
    assert records.cell("out", "activation_nonfinite").tolist() == [2.0]
    assert records.cell("out/kernel", "gradient_nonfinite").tolist() == [3.0]
    assert np.isnan(records.column("loss")[1])


@pytest.mark.parametrize(
    ("loss", "units", "expected"),
    [
        (keras.losses.BinaryCrossentropy(), 1, 0.75),
        (keras.losses.BinaryCrossentropy(from_logits=True), 1, 0.5),
        (keras.losses.BinaryCrossentropy(), 2, np.nan),  # several questions, not several classes
        (keras.losses.CategoricalCrossentropy(), 2, 0.75),
        (keras.losses.MeanSquaredError(), 1, np.nan),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_class_is_predicted_under_a_crossentropy_only(tmp_path, loss, units, expected):
    x = np.array([[-1.0, 0.0], [0.4, 0.5], [0.6, 0.3], [-0.2, 0.1]], np.float32)[:, :units]
    model = keras.Sequential([LAYERS.Input((units,)), LAYERS.Dense(units, kernel_initializer="identity", name="out")])
    records = fitted(tmp_path, model, x, np.ones((4, units), np.float32), loss)
    assert records.data("prediction:out", "majority_share") == pytest.approx(expected, nan_ok=True)


def test_each_output_has_the_class_share_of_its_own_loss(tmp_path):
    x = keras.Input((2,))
    outputs = [LAYERS.Dense(3, "softmax", name="z")(x), LAYERS.Dense(1, name="a")(x)]
    y = {"z": np.zeros(4, int), "a": np.ones((4, 1))}
    losses = {"z": "sparse_categorical_crossentropy", "a": "mse"}
    records = fitted(tmp_path, keras.Model(x, dict(zip("za", outputs, strict=True))), np.ones((4, 2)), y, losses)
    assert records.data("prediction:z", "majority_share").tolist() == [1.0]
    assert np.isnan(records.data("prediction:a", "majority_share")).all()
    assert np.isnan(records.column("gradient_agreement")[1])


def test_sure_probabilities_are_counted(tmp_path):
    x = np.array([[-20.0], [20.0], [0.0], [1.0]], np.float32)
    model = keras.Sequential([LAYERS.Input((1,)), LAYERS.Dense(1, "sigmoid", kernel_initializer="ones", name="out")])
    records = fitted(tmp_path, model, x, np.ones((4, 1), np.float32), "binary_crossentropy")
    assert records.data("prediction:out", "extreme_share").tolist() == [0.5]


def test_a_sigmoids_class_is_told_at_a_half_though_its_loss_says_logits(tmp_path):
    x = np.array([[-2.0], [-1.0], [1.0], [-3.0]], np.float32)
    model = keras.Sequential([LAYERS.Input((1,)), LAYERS.Dense(1, "sigmoid", kernel_initializer="ones", name="out")])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    with pytest.warns(UserWarning, match="from_logits"):
        records = fitted(tmp_path, model, x, np.ones((4, 1), np.float32), loss)
    assert records.data("prediction:out", "majority_share").tolist() == [0.75]


def test_a_skipped_step_says_nothing_about_unchanged_weights(tmp_path):
    x = keras.Input((2,))
    model = keras.Model(x, {name: LAYERS.Dense(1, name=name)(x) for name in "pq"})
    y = {"p": np.full((4, 1), np.nan, np.float32), "q": np.ones((4, 1), np.float32)}
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), "mse")
    model.fit(np.ones((4, 2)), y, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    records = Records(tmp_path)
    assert records.cell("q/kernel", "gradient_nonfinite").tolist() == [0.0]
    assert records.cell("q/kernel", "update_norm").tolist() == [0.0]
    assert np.isnan(records.cell("q/kernel", "unchanged_share")).all()

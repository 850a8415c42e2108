"""Every recorded number of a training on JAX against jax.value_and_grad of a loss by hand and numpy."""

import numpy as np
import pytest
from recording.reading import Records
from recording.reference import cosine
from recording.shares import moved

from tb_lossdiag import schema

BATCH, STEPS = 8, 3


class Reference:
    """of(what): for each step the arrays, by name."""

    def __init__(self, path) -> None:
        self.arrays = np.load(path)
        self.x, self.y = self.arrays["x"], self.arrays["y"]

    def of(self, what) -> list[dict[str, np.ndarray]]:
        steps = []
        for step in range(STEPS):
            prefix = f"{step}/{what}/"
            found = {name.removeprefix(prefix): self.arrays[name] for name in self.arrays if name.startswith(prefix)}
            steps.append({name: array.astype(np.float64) for name, array in found.items()})
        return steps


@pytest.fixture(scope="module", params=["mlp", "lstm"])
def both(request, trained):
    """(records of a fit, the same training done by hand, relative tolerance). By hand the MLP is in float64."""
    numbers = trained("numbers")
    assert numbers.facts[request.param]["warned"] == []
    reference = Reference(numbers.log(f"{request.param}.npz"))
    return Records(numbers.log(request.param)), reference, 1e-5 if request.param == "mlp" else 1e-4


def close(found, expected, rel):
    np.testing.assert_allclose(found, expected, rtol=rel, atol=1e-7)


def norm(arrays):
    return np.sqrt(sum((array**2).sum() for array in arrays.values()))


def differences(reference):
    return [
        {name: after[name] - before[name] for name in after}
        for before, after in zip(reference.of("before"), reference.of("after"), strict=True)
    ]


def test_step_numbers(both):
    records, reference, rel = both
    column = {name: list(records.column(name).values()) for name in schema.STEP_COLUMNS}
    close(column["loss"], [step[""] for step in reference.of("loss")], rel)
    close(column["penalty"], [step[""] for step in reference.of("penalty")], rel)
    close(column["learning_rate"], [0.1] * STEPS, rel)
    gradients = [norm(step) for step in reference.of("gradient")]
    close(column["gradient_norm"], gradients, rel)
    close(column["weight_norm"], [norm(step) for step in reference.of("before")], rel)
    close(column["update_norm"], [norm(step) for step in differences(reference)], 10 * rel)
    assert column["gradient_nonfinite"] == [0] * STEPS
    clipped = [norm(step) for step in reference.of("clipped")]
    close(column["clip_factor"], np.divide(clipped, gradients), rel)
    assert min(column["clip_factor"]) < 0.9
    close(column["gradient_agreement"], [cosine(*step.values()) for step in reference.of("half")], 1e-3)
    assert np.isnan(column["loss_scale"]).all()


def test_variable_rows_are_raw_gradients_weights_and_true_updates(both):
    records, reference, rel = both
    rows = [row.name for row in records.card.rows if row.kind == "variable"]
    assert len(rows) == len(reference.of("gradient")[0])
    for index, row in enumerate(rows):
        gradients, before, after, updates = (
            [step[str(index)] for step in steps]
            for steps in (
                reference.of("gradient"),
                reference.of("before"),
                reference.of("after"),
                differences(reference),
            )
        )
        close(records.cell(row, "gradient_norm"), [np.linalg.norm(g) for g in gradients], rel)
        close(records.cell(row, "gradient_mean_abs"), [np.abs(g).mean() for g in gradients], rel)
        close(records.cell(row, "gradient_max_abs"), [np.abs(g).max() for g in gradients], rel)
        close(records.cell(row, "gradient_zero_share"), [(g == 0).mean() for g in gradients], rel)
        assert records.cell(row, "gradient_nonfinite").tolist() == [0] * STEPS
        weights = np.array([np.linalg.norm(w) for w in before])
        close(records.cell(row, "weight_norm"), weights, rel)
        update = np.array([np.linalg.norm(u) for u in updates])
        close(records.cell(row, "update_norm"), update, 10 * rel)
        ratios = np.divide(update, weights, out=np.full(STEPS, np.nan), where=weights > 0)
        close(records.cell(row, "update_ratio"), ratios, 10 * rel)
        kept = [(b == a)[g != 0].mean() for b, a, g in zip(before, after, gradients, strict=True)]
        close(records.cell(row, "unchanged_share"), kept, rel)


def test_output_rows_are_what_the_layers_put_out(both):
    records, reference, rel = both
    rows = [row.name for row in records.card.rows if row.kind == "output"]
    assert set(rows) == set(reference.of("output")[0])
    for row in rows:
        outputs = [step[row] for step in reference.of("output")]
        np.testing.assert_allclose(records.cell(row, "activation_mean"), [a.mean() for a in outputs], rel, 1e-6)
        close(records.cell(row, "activation_std"), [a.std() for a in outputs], rel)
        close(records.cell(row, "activation_max_abs"), [np.abs(a).max() for a in outputs], rel)
        close(records.cell(row, "activation_zero_share"), [(a == 0).mean() for a in outputs], rel)
        close(records.cell(row, "activation_unit_std"), [a.std(axis=0).mean() for a in outputs], rel)
        assert records.cell(row, "activation_nonfinite").tolist() == [0] * STEPS
        activation = records.card.layer(row).activation
        flat = [a.reshape(-1, a.shape[-1]) for a in outputs]
        dead = [(a.max(axis=0) <= 0).mean() for a in flat] if activation == "relu" else [np.nan] * STEPS
        close(records.cell(row, "activation_dead_share"), dead, rel)
        saturated = [(np.abs(a) > 0.95).mean() for a in flat] if activation == "tanh" else [np.nan] * STEPS
        close(records.cell(row, "activation_saturated_share"), saturated, rel)


def test_histograms_of_the_first_and_last_step_are_those_of_gradients_updates_and_outputs(both):
    records, reference, _ = both
    found = records.of(schema.HISTOGRAMS)
    assert [step for step, _ in found] == [1, STEPS]
    rows = records.card.rows
    places = {row: str(index) for index, row in enumerate(row.name for row in rows if row.kind == "variable")}
    by_quantity = {"gradient": reference.of("gradient"), "update": differences(reference)}
    for step, table in found:
        for (row, quantity), line in zip(schema.histogram_lines([row.kind for row in rows]), table, strict=True):
            name = rows[row].name
            if quantity == "activation":
                values = reference.of("output")[step - 1][name]
            else:
                values = by_quantity[quantity][step - 1][places[name]]
            # What is 0 in float32 need not be in float64, and rounding may pass an edge.
            assert moved(line, values) <= 1 + 0.02 * values.size, (name, quantity)


def test_data_rows_are_inputs_targets_and_predictions(both):
    records, reference, rel = both
    rows = [row.name for row in records.card.data_rows]
    assert rows == ["input:x", "target:out", "prediction:out"]
    predictions = [step["out"] for step in reference.of("output")]
    tensors = [
        [part.astype(np.float64) for part in np.split(reference.x, STEPS)],
        [part.astype(np.float64) for part in np.split(reference.y, STEPS)],
        predictions,
    ]
    for row, values in zip(rows, tensors, strict=True):
        features = [v.reshape(-1, v.shape[-1] if v.ndim > 1 else 1) for v in values]
        close(records.data(row, "min"), [v.min() for v in values], rel)
        close(records.data(row, "max"), [v.max() for v in values], rel)
        close(records.data(row, "mean"), [v.mean() for v in values], rel)
        close(records.data(row, "std"), [v.std() for v in values], rel)
        assert records.data(row, "nonfinite").tolist() == [0] * STEPS
        close(records.data(row, "feature_std_min"), [f.std(axis=0).min() for f in features], 10 * rel)
        close(records.data(row, "feature_std_max"), [f.std(axis=0).max() for f in features], rel)
        close(records.data(row, "feature_mean_max"), [np.abs(f.mean(axis=0)).max() for f in features], rel)
        close(records.data(row, "diversity"), [v.std(axis=0).mean() / np.abs(v).mean() for v in values], rel)
    assert records.data("target:out", "out_of_range").tolist() == [0] * STEPS
    chosen = [np.bincount(p.argmax(axis=-1)).max() / BATCH for p in predictions]
    close(records.data("prediction:out", "majority_share"), chosen, rel)
    assert records.data("prediction:out", "extreme_share").tolist() == [0] * STEPS


def test_targets_are_class_shares(both):
    records, reference, rel = both
    for (_, table), labels in zip(records.of(schema.TARGETS), np.split(reference.y, STEPS), strict=True):
        close(table[:, 0], np.bincount(labels, minlength=3) / BATCH, rel)


def test_rows_follow_the_data_through_the_model(both):
    records, _, _ = both
    outputs = [row.name for row in records.card.rows if row.kind == "output"]
    assert outputs == [layer.path for layer in records.card.layers]
    for before, layer in zip(records.card.layers, records.card.layers[1:], strict=False):
        assert layer.inputs == (before.path,)
    assert records.card.batch_size == BATCH
    assert records.card.settings["target_kind"] == "sparse_classes"


def test_the_losses_of_outputs_and_what_a_layer_adds_are_terms(trained):
    numbers = trained("numbers")
    assert numbers.facts["terms"]["warned"] == []
    Records(numbers.log("terms")).check_three_terms(numbers.facts["terms"]["history"])

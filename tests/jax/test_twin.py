"""LossDiagnostics on JAX: a fit with it is, bit for bit, the fit without it; what fails in it leaves the fit alone."""

import numpy as np
import pytest
from recording.reading import Records

from tb_lossdiag import schema
from tb_lossdiag.logs import list_experiments, provider, read_run

SAME = [
    "momentum, dropout, batch norm",
    "bfloat16, adam, validation, partial batch",
    "two steps a call, loss scale, clipnorm, decay, ema",
    "words",
    "eager",
    "not compiled",
]


@pytest.mark.parametrize("name", SAME)
def test_a_recorded_training_has_the_same_weights_state_and_history(trained, name):
    same = trained("same")
    assert same.facts[name] == {"same": True, "history": True, "warned": []}
    records = Records(same.log(name))
    assert records.steps(schema.LAYERS) == ([1, 3, 4, 6] if name.startswith("two") else [1, 2, 4, 6])
    assert records.events("recording_stopped") == []
    assert np.isfinite(records.column("gradient_norm")[6])
    assert "jax" in records.card.framework


def test_two_steps_a_call_record_the_first_and_the_loss_of_the_others(trained):
    records = Records(trained("same").log("two steps a call, loss scale, clipnorm, decay, ema"))
    assert set(records.column("loss")) >= {1, 2, 3, 4, 5, 6} - {3, 6}
    assert records.card.settings["steps_per_execution"] == 2


def test_loss_scaling_is_undone_in_what_is_recorded(trained):
    records = Records(trained("same").log("two steps a call, loss scale, clipnorm, decay, ema"))
    assert records.column("loss_scale")[1] == 2.0**15
    assert records.card.optimizer["loss_scale"] is True
    assert 0.0 < records.column("gradient_norm")[1] < 100.0
    assert 0.0 < records.column("clip_factor")[1] <= 1.0
    assert 0.5 < records.column("loss")[1] < 5.0


def test_mixed_precision_records_the_prediction_and_finite_activations(trained):
    records = Records(trained("same").log("bfloat16, adam, validation, partial batch"))
    assert records.card.precision == "mixed_bfloat16"
    assert np.isfinite(records.cell("hidden", "activation_std")).all()
    assert records.cell("hidden/kernel", "unchanged_share").max() < 0.5
    assert [set(epoch) >= {"loss", "val_loss", "accuracy"} for _, epoch in records.of(schema.EPOCHS)] == [True, True]


def test_an_eager_step_has_what_a_compiled_one_has(trained):
    records = Records(trained("same").log("eager"))
    assert records.card.settings["run_eagerly"] is True
    assert [layer.kind for layer in records.card.layers] == ["Dropout", "Dense"]
    assert np.isfinite(records.column("gradient_agreement")[1])


@pytest.mark.parametrize(
    ("group", "name", "steps"), [("odd", "every", [1, 11, 18]), ("same", "eager", [1, 6]), ("same", "words", [1, 6])]
)
def test_some_samples_have_histograms_whose_shares_sum_to_one(trained, group, name, steps):
    log = provider.open_log(trained(group).log(name))
    [experiment] = list_experiments(log).values()
    found = read_run(log, experiment).histograms
    assert found.steps.tolist() == steps
    assert {quantity for _, quantity in found.lines} == {"gradient", "update", "activation"}
    np.testing.assert_allclose(found.shares.sum(axis=2, dtype=float), 1.0, atol=2e-3)


def test_a_custom_train_step_is_recorded_as_keras_guide_writes_it(trained):
    odd = trained("odd")
    assert odd.facts["Custom"] == {"same": True, "history": True, "warned": []}
    records = Records(odd.log("Custom"))
    outputs = [row.name for row in records.card.rows if row.kind == "output"]
    assert len(outputs) == 2
    assert (records.cell(outputs[0], "activation_std") > 0).all()
    assert [row.kind for row in records.card.data_rows] == ["input", "target", "prediction"]
    assert all(np.isfinite(records.column(name)[1]) for name in ("loss", "gradient_norm", "update_norm"))


def test_of_a_step_inside_a_compiled_function_weights_and_reported_losses_are_recorded(trained):
    odd = trained("odd")
    assert odd.facts["InsideAFunction"] == {"same": True, "history": True, "warned": []}
    inside, custom = (Records(odd.log(name)) for name in ("InsideAFunction", "Custom"))
    for column in ("update_norm", "weight_norm", "loss"):
        assert inside.column(column)[1] == pytest.approx(custom.column(column)[1], rel=1e-5)
    assert np.isnan(inside.column("gradient_norm")[1])
    gradients, updates = np.split(inside.of(schema.HISTOGRAMS)[0][1], 2)
    assert np.isnan(gradients).all() and np.isfinite(updates).all()


def test_the_models_own_train_function_is_back_after_fit_and_a_second_fit_continues_the_steps(trained):
    odd = trained("odd")
    assert odd.facts["twice"] == {"function": True, "untouched": True}
    records = Records(odd.log("twice"))
    assert records.steps(schema.STEPS) == [1, 2, 3, 4, 5, 6]
    assert len(records.files) == 1 and records.events("restart") == []


def test_a_users_own_mistake_surfaces_without_a_word_of_ours(trained):
    odd = trained("odd")
    assert odd.facts["mistake"] == {"error": "the user's own", "warned": []}
    assert Records(odd.log("mistake")).steps(schema.LAYERS) == []


def test_a_fit_that_raised_is_cleaned_up_by_the_next(trained):
    odd = trained("odd")
    assert odd.facts["interrupted"] == {"error": "enough", "warned": [], "untouched": True, "after": "function"}
    assert Records(odd.log("interrupted")).steps(schema.STEPS) == [1, 2, 3, 4, 5]


def test_a_failure_of_ours_is_one_warning_one_event_and_no_difference(trained):
    odd = trained("odd")
    assert odd.facts["failure"]["same"] is True
    [warning] = odd.facts["failure"]["warned"]
    assert "stopped recording, the training goes on: ZeroDivisionError" in warning
    [event] = Records(odd.log("failure")).events("recording_stopped")
    assert "ZeroDivisionError" in event["reason"]


def test_an_unwritable_directory_is_one_warning_and_the_training_goes_on(trained):
    facts = trained("odd").facts["unwritable"]
    assert facts["same"] is True
    assert len(facts["warned"]) == 1


def test_plain_steps_keep_the_loss_of_their_own_batch(trained):
    every, few = (Records(trained("odd").log(name)) for name in ("every", "few"))
    truth, recovered = every.column("loss"), few.column("loss")
    assert few.steps(schema.LAYERS) == [1, 18]
    assert list(recovered) == [step for step in range(1, 19) if step not in (6, 12)]  # the last batch may be smaller
    assert list(recovered.values()) == pytest.approx([truth[step] for step in recovered], rel=1e-4)


def test_only_the_chosen_layers_have_rows_and_all_variables_count(trained):
    chosen = Records(trained("odd").log("chosen"))
    assert {row.layer.split("_")[0] for row in chosen.card.rows} == {"dense"}
    assert len(chosen.of(schema.LAYERS)[0][1]) == len(chosen.card.rows) == 3
    assert np.isfinite(chosen.column("gradient_norm")[1])


def test_the_step_that_breaks_the_loss_is_told_with_those_before_it(trained):
    records = Records(trained("odd").log("accident"))
    [event] = records.events("accident")
    assert (event["step"], event["reason"]) == (16, "nonfinite")
    assert [step for step, _ in event["losses"]] == list(range(1, 17))


def test_the_card_and_the_events_have_the_learning_rate_that_a_callback_set(trained):
    records = Records(trained("odd").log("rate"))
    [event] = records.events("learning_rate")
    assert (event["step"], event["from"], event["to"]) == (4, 0.5, 0.25)
    assert set(records.column("learning_rate").values()) >= {0.5, 0.25}
    assert records.card.optimizer["config"]["learning_rate"] == 0.5


def test_keras_on_jax_is_recorded_where_tensorflow_is_not_installed(tmp_path, run_on_jax):
    script = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

sys.meta_path.insert(0, Absent())
import keras, numpy as np
from tb_lossdiag import LossDiagnostics
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
recorded = LossDiagnostics({str(tmp_path)!r})
model.fit(np.ones((16, 4)), np.zeros(16), batch_size=8, verbose=0, callbacks=[recorded])
"""
    run_on_jax("-W", "error::RuntimeWarning", "-c", script)
    assert Records(tmp_path).steps(schema.LAYERS) == [1, 2]


def test_under_another_backend_one_warning_says_that_nothing_is_recorded(tmp_path, run_on_jax):
    script = f"""
import warnings
import keras
from tb_lossdiag import LossDiagnostics

model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
model.compile("sgd", "mse")
callback = LossDiagnostics({str(tmp_path)!r})
callback.set_model(model)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_batch_begin(0)
    callback.on_epoch_end(0, {{"loss": 1.0}})
    callback.on_train_end()
print(*(warning.message for warning in warned if warning.category is RuntimeWarning), sep="\\n")
"""
    said = run_on_jax("-c", script, KERAS_BACKEND="numpy")
    assert said.count("the training goes on: NotImplementedError: Keras on numpy is not recorded") == 1
    assert Records(tmp_path).steps(schema.STEPS) == []

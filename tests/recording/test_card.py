"""The card: what the user wrote, and how the weights stood before the first step."""

import json

import keras
import numpy as np
import pytest

from recording.reading import Records
from recording.small_models import LAYERS, batches
from tb_lossdiag import LossDiagnostics, schema
from tb_lossdiag.diagnosis.fresh import is_fresh
from tb_lossdiag.recording.card import initial_weights


def card(tmp_path, model, **compiled):
    model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", **compiled})
    model.fit(*batches(), epochs=2, batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    return Records(tmp_path).card


def model(**hidden):
    return keras.Sequential(
        [LAYERS.Input((4,)), LAYERS.Dense(6, name="hidden", **hidden), LAYERS.Dense(3, "softmax", name="out")],
        name="net",
    )


def test_the_plan_and_the_sizes_are_on_it(tmp_path):
    found = card(tmp_path, model(), metrics=["accuracy"])
    assert (found.epochs, found.steps_per_epoch, found.batch_size) == (2, 3, 8)
    assert (found.model, found.parameters, found.trainable_parameters) == ("net", 51, 51)
    assert found.metrics == ("accuracy",)
    assert found.framework.startswith(f"keras {keras.__version__}")
    inputs = found.settings["inputs"]
    assert list(inputs.values()) == [{"dtype": "float32", "shape": [4]}]
    assert [row.own_name for row in found.data_rows if row.kind == "input"] == list(inputs)
    assert {name: value for name, value in found.settings.items() if name != "inputs"} == {
        "every": "auto",
        "jit_compile": False,
        "run_eagerly": False,
        "steps_per_execution": 1,
        "target_kind": "sparse_classes",
        "classes": 3,
        "sample_weight": False,
        "functional": True,
        "loss_shapes": {"target": [None], "prediction": [None, 3]},
    }


def test_a_layer_has_its_activation_initializers_settings_and_size(tmp_path):
    hidden = card(tmp_path, model(activation="tanh", kernel_initializer="he_normal", kernel_regularizer="l2")).layer(
        "hidden"
    )
    assert (hidden.kind, hidden.activation, hidden.units, hidden.parameters) == ("Dense", "tanh", 6, 30)
    assert hidden.initializers["kernel"]["name"] == "HeNormal"
    assert hidden.settings["use_bias"] is True
    assert hidden.settings["kernel_regularizer"]["class_name"] == "L2"


def test_the_optimizer_is_on_it_with_a_number_or_a_schedule(tmp_path):
    adam = card(tmp_path / "number", model(), optimizer=keras.optimizers.Adam(0.25)).optimizer
    assert (adam["name"], adam["config"]["learning_rate"]) == ("Adam", 0.25)
    decay = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.9)
    sgd = card(tmp_path / "schedule", model(), optimizer=keras.optimizers.SGD(decay)).optimizer
    assert sgd["config"]["learning_rate"]["class_name"] == "ExponentialDecay"


def test_what_decides_the_step_is_in_the_optimizers_config(tmp_path):
    optimizer = keras.optimizers.AdamW(0.1, 0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-3, global_clipnorm=2.0)
    config = card(tmp_path, model(), optimizer=optimizer).optimizer["config"]
    expected = {"weight_decay": 0.02, "beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-3, "global_clipnorm": 2.0}
    assert {name: config[name] for name in expected} == expected
    assert (config["clipnorm"], config["clipvalue"]) == (None, None)


@pytest.mark.parametrize(("policy", "dtype"), [("bfloat16", "bfloat16"), ("mixed_bfloat16", None), ("float32", None)])
def test_weights_that_are_not_float32_are_said_so(tmp_path, policy, dtype):
    net = keras.Sequential(
        [LAYERS.Input((4,)), LAYERS.Dense(6, dtype=policy), LAYERS.Dense(3, "softmax", dtype="float32")]
    )
    assert card(tmp_path, net).settings.get("variable_dtype") == dtype


@pytest.mark.parametrize("weights", [{"class_weight": {0: 2.0, 1: 1.0, 2: 1.0}}, {"sample_weight": np.ones(24)}])
def test_class_and_sample_weights_are_on_it(tmp_path, weights):
    net = model()
    net.compile("sgd", "sparse_categorical_crossentropy")
    net.fit(*batches(), verbose=0, callbacks=[LossDiagnostics(tmp_path)], **weights)
    assert Records(tmp_path).card.settings["sample_weight"] is True


def test_batch_normalization_and_regularizers_keep_their_numbers(tmp_path):
    norm = LAYERS.BatchNormalization(momentum=0.5, name="norm")
    net = keras.Sequential([LAYERS.Input((4,)), norm, LAYERS.Dense(3, "softmax", kernel_regularizer="l2", name="out")])
    found = card(tmp_path, net)
    assert found.layer("norm").settings["momentum"] == 0.5
    assert found.layer("out").settings["kernel_regularizer"]["config"] == {"l2": 0.01}


@pytest.mark.parametrize(
    ("initializer", "identical"), [("zeros", True), ("ones", True), ("glorot_uniform", False), ("identity", False)]
)
def test_identical_columns_are_told_from_different_ones(initializer, identical):
    facts = initial_weights(model(kernel_initializer=initializer))["hidden"]
    assert facts["kernel_identical_columns"] is identical


def test_the_weights_before_the_first_step_are_on_it(tmp_path):
    net = model(bias_initializer="ones")
    kernel = net.layers[0].kernel.numpy().astype(np.float64)
    settings = card(tmp_path, net).layer("hidden").settings
    assert settings["kernel_mean"] == pytest.approx(kernel.mean())
    assert settings["kernel_std"] == pytest.approx(kernel.std())
    assert settings["kernel_fan_in"] == 4
    assert [settings[name] for name in ("bias_mean", "bias_min", "bias_max")] == [1.0, 1.0, 1.0]


def test_a_recurrent_layers_kernel_is_its_cells():
    net = keras.Sequential([LAYERS.Input((5, 3)), LAYERS.Bidirectional(LAYERS.GRU(2), name="both")])
    assert initial_weights(net)["both"]["kernel_fan_in"] == 3


def test_a_layer_without_a_config_is_on_it_without_settings(tmp_path):
    class Mystery(LAYERS.Layer):
        def __init__(self, secret):
            super().__init__(name="mystery")

        def call(self, x):
            return x

    found = card(tmp_path, keras.Sequential([LAYERS.Input((4,)), Mystery(object()), LAYERS.Dense(3, "softmax")]))
    assert found.layer("mystery").settings == {}


def test_the_card_is_plain_json(tmp_path):
    card(tmp_path, model(), optimizer=keras.optimizers.Adam(0.1))
    written = Records(tmp_path).of(schema.CARD)[0][1]
    assert json.loads(schema.encode_json(written)) == written


def test_a_layer_is_fresh_until_it_has_learned(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(64, 8, 4)).astype("float32"), np.arange(64) % 3
    inputs = LAYERS.Input((8, 4))
    layers = [
        LAYERS.Dense(48, kernel_initializer="glorot_uniform"),
        LAYERS.Dense(48, kernel_initializer="he_normal"),
        LAYERS.Dense(48, kernel_initializer="random_normal"),
        LAYERS.Conv1D(48, 5, kernel_initializer="glorot_normal"),
        LAYERS.Conv1D(48, 5, kernel_initializer="lecun_uniform"),
    ]
    outputs = [LAYERS.Dense(3, "softmax")(LAYERS.Flatten()(layer(inputs))) for layer in layers]
    net = keras.Model(inputs, outputs)
    net.compile("adam", ["sparse_categorical_crossentropy"] * len(layers))
    for at in ("first", "second"):
        net.fit(x, [y] * len(layers), epochs=3, batch_size=16, verbose=0, callbacks=[LossDiagnostics(tmp_path / at)])
    cards = {at: Records(tmp_path / at).card for at in ("first", "second")}
    names = [layer.name for layer in layers]
    assert all(is_fresh(cards["first"].layer(name)) for name in names)
    assert not any(is_fresh(cards["second"].layer(name)) for name in names)


def test_a_class_of_the_users_own_tells_what_it_was_derived_from(tmp_path):
    class Table(LAYERS.Embedding):
        pass

    own = keras.Sequential(
        [LAYERS.Input((4,), dtype="int32"), Table(9, 6, name="table"), LAYERS.Flatten(), LAYERS.Dense(3)]
    )
    own.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = batches()
    own.fit(np.abs(x * 3).astype("int32"), y, batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    found = Records(tmp_path).card
    assert found.layer("table").settings["bases"] == ["Embedding"]
    assert "bases" not in found.layer("dense").settings if found.layer("dense") else True
    assert [given["dtype"] for given in found.settings["inputs"].values()] == ["int32"]


def test_a_kernel_without_a_bias_that_was_trained_before_is_not_fresh(tmp_path):
    layers = [LAYERS.Dense(32, use_bias=False, activation="relu", name="first")]
    encoder = keras.Sequential(
        [LAYERS.Input((4,)), *layers, LAYERS.Dense(16, use_bias=False, name="second")], name="encoder"
    )
    x, y = batches(240)
    assert all(is_fresh(layer) for layer in card(tmp_path / "fresh", _frozen(encoder)).layers if not layer.trainable)
    encoder.trainable = True
    before = keras.Sequential([encoder, LAYERS.Dense(3, "softmax")])
    before.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    before.fit(x, y, batch_size=8, epochs=2, verbose=0)
    trained = card(tmp_path / "trained", _frozen(encoder)).layers
    assert not any(is_fresh(layer) for layer in trained if not layer.trainable)


def _frozen(encoder):
    """A head on it, and nothing else that learns."""
    encoder.trainable = False
    return keras.Sequential([LAYERS.Input((4,)), encoder, LAYERS.Dense(3, "softmax", name="out")])

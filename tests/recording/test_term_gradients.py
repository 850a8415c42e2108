"""How hard each term of a loss pulls at the shared weights is what a tape of our own measures; nothing is disturbed."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import THREE_TERMS, ends, same, three_terms
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.structure import structure_of

LAYERS = keras.layers
TERMS = ("hidden", "kind_loss", "size_loss")
WEIGHTS = {"kind": 2.0, "size": 0.01}


class Before(keras.callbacks.Callback):
    """Keeps all variables before each step, the states of random generators too."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_begin(self, batch, logs=None):
        self.values.append([variable.numpy() for variable in self.model.variables])


class Counting(LAYERS.Layer):
    """Counts its calls in a variable that Keras does not know."""

    def __init__(self):
        super().__init__()
        self.calls = tf.Variable(0.0, trainable=False)

    def call(self, x):
        self.calls.assign_add(1.0)
        return x


class Traced(LAYERS.Layer):
    """Computes in a tf.function, which keeps its traces."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    @tf.function
    def call(self, x):
        return x * self.scale


def two_heads(*inner, regularizer="l2"):
    """As three_terms, with further layers in the trunk."""

    def build():
        keras.utils.set_random_seed(0)
        x = LAYERS.Input((4,), name="x")
        hidden = LAYERS.Dense(6, activation="relu", activity_regularizer=regularizer, name="hidden")(x)
        for make in inner:
            hidden = make()(hidden)
        outputs = {
            "kind": LAYERS.Dense(3, activation="softmax", name="kind")(hidden),
            "size": LAYERS.Dense(1, name="size")(hidden),
        }
        return keras.Model(x, outputs)

    return build


def looked_up():
    """Sparse gradients at what is shared."""
    keras.utils.set_random_seed(0)
    x = LAYERS.Input((4,), name="x")
    codes = LAYERS.Flatten()(LAYERS.Embedding(5, 3, name="codes")(LAYERS.Lambda(lambda x: tf.abs(x) * 2.0 % 5.0)(x)))
    outputs = {
        "kind": LAYERS.Dense(3, activation="softmax", name="kind")(codes),
        "size": LAYERS.Dense(1, name="size")(codes),
    }
    return keras.Model(x, outputs)


MODELS = {
    "three terms": three_terms,
    "dropout and batch norm": two_heads(lambda: LAYERS.Dropout(0.3), LAYERS.BatchNormalization),
    "embedding": looked_up,
}


def trained(build, callbacks, steps=12, fit=None, optimizer=None, losses=None, **options):
    model, before = build(), Before()
    options = {"loss_weights": WEIGHTS, **options}
    model.compile(optimizer or keras.optimizers.SGD(0.05), losses or THREE_TERMS, **options)
    fitted = {"batch_size": 8, "epochs": steps // 3, "shuffle": False, "verbose": 0, **(fit or {})}
    history = model.fit(*ends(), **fitted, callbacks=[before, *callbacks]).history
    return model, before.values, history


def pulls(folder, names=TERMS):
    """Name to float32 [sampled steps]."""
    records = Records(folder)
    assert records.events("recording_stopped") == []
    known = [row.name for row in records.card.data_rows]
    return {name: records.data(f"loss:{name}", "gradient_norm") for name in names if f"loss:{name}" in known}


def is_silent(folder):
    found = pulls(folder)
    return bool(found) and all(np.isnan(of_term).all() for of_term in found.values())


def by_hand(model, values, place, weights=None, sample_weight=None):
    """Of each term, with its weight: the norm at the weights that several terms reach, by a tape of our own."""
    for variable, value in zip(model.variables, values, strict=True):
        variable.assign(value)
    weights = weights or {"kind": 1.0, "size": 1.0}
    x, y = keras.tree.map_structure(lambda part: part[place], ends())
    with tf.GradientTape(persistent=True) as tape:
        out = model(x, training=True)
        own = None if sample_weight is None else tf.constant(sample_weight[place], tf.float32)
        terms = {
            "kind_loss": weights["kind"] * keras.losses.SparseCategoricalCrossentropy()(y["kind"], out["kind"], own),
            "size_loss": weights["size"] * keras.losses.MeanSquaredError()(y["size"], out["size"], own),
        }
        if model.losses:
            terms["hidden"] = tf.add_n(model.losses)
    variables = [variable.value for variable in structure_of(model).variables.values()]
    found = {name: tape.gradient(value, variables) for name, value in terms.items()}
    shared = [sum(one is not None for one in of_weight) > 1 for of_weight in zip(*found.values(), strict=True)]
    return {
        name: np.sqrt(
            sum(
                np.square(np.asarray(tf.convert_to_tensor(one), np.float64)).sum()
                for one, is_shared in zip(of_term, shared, strict=True)
                if is_shared and one is not None
            )
        )
        for name, of_term in found.items()
    }


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("options", [{"jit_compile": False}, {"jit_compile": True}], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_norms_are_those_of_a_tape_of_ones_own_and_the_training_is_the_same(tmp_path, name, options, weighted):
    rows = np.linspace(0.5, 2.0, 24) if weighted else None
    fit = {"sample_weight": {"kind": rows, "size": rows}} if weighted else {}
    bare, _, history = trained(MODELS[name], [], fit=fit, **options)
    model, values, recorded = trained(MODELS[name], [LossDiagnostics(tmp_path, every=1)], fit=fit, **options)
    assert same([v.numpy() for v in bare.variables], [v.numpy() for v in model.variables])
    assert same([v.numpy() for v in bare.optimizer.variables], [v.numpy() for v in model.optimizer.variables])
    assert history == recorded
    found = pulls(tmp_path)
    measured = np.flatnonzero(np.isfinite(found["kind_loss"]))
    assert measured.tolist() == [0, 10, 11]  # with the histograms
    for at in measured:
        place = slice(at % 3 * 8, at % 3 * 8 + 8)
        expected = by_hand(model, values[at], place, WEIGHTS, rows)
        assert {term: of_term[at] for term, of_term in found.items()} == pytest.approx(expected, rel=1e-4)
        assert len(expected) == (2 if name == "embedding" else 3)


def test_what_a_loss_scale_multiplies_is_divided_by_it(tmp_path):
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05), initial_scale=256.0)
    model, values, _ = trained(three_terms, [LossDiagnostics(tmp_path, every=1)], optimizer=optimizer)
    found = pulls(tmp_path)
    expected = by_hand(model, values[0], slice(0, 8), WEIGHTS)
    assert {term: of_term[0] for term, of_term in found.items()} == pytest.approx(expected, rel=1e-4)


def test_under_half_precision_they_are_nearly_those_of_float32(tmp_path):
    found = {}
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        try:
            build = two_heads(regularizer=None)  # Keras cannot add up one in half precision with a loss in float32
            trained(build, [LossDiagnostics(tmp_path / policy, every=1)])
        finally:
            keras.config.set_dtype_policy("float32")
        found[policy] = {name: of_term[0] for name, of_term in pulls(tmp_path / policy).items()}
    assert found["mixed_float16"] == pytest.approx(found["float32"], rel=2e-2)


def test_frozen_layers_are_no_shared_weights_and_keep_nobody_from_measuring(tmp_path):
    def build():
        model = two_heads(lambda: LAYERS.Dense(5, activation="tanh", name="own"))()
        model.get_layer("hidden").trainable = False
        return model

    model, values, _ = trained(build, [LossDiagnostics(tmp_path, every=1)])
    found = {term: of_term[0] for term, of_term in pulls(tmp_path).items()}
    expected = by_hand(model, values[0], slice(0, 8), WEIGHTS)
    assert np.isnan(found.pop("hidden"))  # what it adds depends on no weight that is trained
    assert found == pytest.approx({name: expected[name] for name in found}, rel=1e-4)


class Elsewhere(keras.Model):
    """Has a train_step of its own, which does what Keras's does."""

    def train_step(self, data):
        return super().train_step(data)


class Doubled(keras.Model):
    def compute_loss(self, *args, **kwargs):
        return 2.0 * super().compute_loss(*args, **kwargs)


def of_class(kind):
    def build():
        model = three_terms()
        return kind(model.inputs, dict(zip(("kind", "size"), model.outputs, strict=True)))

    return build


def apart():
    """Heads that have a trunk each."""
    keras.utils.set_random_seed(0)
    x = LAYERS.Input((4,), name="x")
    outputs = {
        "kind": LAYERS.Dense(3, activation="softmax", name="kind")(LAYERS.Dense(3)(x)),
        "size": LAYERS.Dense(1, name="size")(LAYERS.Dense(3)(x)),
    }
    return keras.Model(x, outputs)


SILENT = {
    "an eager step": (three_terms, {"run_eagerly": True}),
    "a train_step of ones own": (of_class(Elsewhere), {}),
    "a compute_loss of ones own": (of_class(Doubled), {}),
    "no shared weights": (apart, {}),
    "a layer that changes a variable": (two_heads(Counting), {}),
    "a layer that is a tf.function": (two_heads(Traced), {}),
}


@pytest.mark.parametrize("name", SILENT)
@pytest.mark.filterwarnings("ignore::UserWarning:keras")
def test_where_they_cannot_be_had_there_are_none_and_the_training_is_the_same(tmp_path, name):
    build, options = SILENT[name]
    bare, _, history = trained(build, [], **options)
    model, _, recorded = trained(build, [LossDiagnostics(tmp_path, every=1)], **options)
    assert is_silent(tmp_path)
    assert same([v.numpy() for v in bare.variables], [v.numpy() for v in model.variables])
    assert history == recorded
    assert bare.evaluate(*ends(), verbose=0) == model.evaluate(*ends(), verbose=0)


def test_a_loss_that_does_more_than_compute_is_not_called_once_more(tmp_path):
    told = []

    def telling(y, z):
        told.append(z)
        return tf.reduce_mean(tf.square(y - z), axis=-1)

    losses = {"kind": "sparse_categorical_crossentropy", "size": telling}
    trained(three_terms, [LossDiagnostics(tmp_path, every=1)], losses=losses)
    assert is_silent(tmp_path)


def test_one_output_with_what_layers_add_has_none(tmp_path):
    keras.utils.set_random_seed(0)
    layers = [LAYERS.Dense(4, activity_regularizer="l2", name=name) for name in ("one", "two")]
    model = keras.Sequential([LAYERS.Input((4,)), *layers, LAYERS.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = ends()
    model.fit(x, y["kind"], batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    found = pulls(tmp_path, ("one", "two"))
    assert sorted(found) == ["one", "two"] and all(np.isnan(of_term).all() for of_term in found.values())

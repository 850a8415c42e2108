"""The loss on other outputs than the model's: measured in a step, it is what Keras computes of the same arrays."""

import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.loss_kinds import EXAMPLES, KINDS, LAYERS, kinds_and_ways, model_of, values, vectors, yes_or_no
from recording.loss_references import NAMES, constants, has_least, references, shaped
from recording.reading import Records
from recording.small_models import batches
from tb_lossdiag import LossDiagnostics, TrainingMonitor, diagnose, schema
from tb_lossdiag.recording import references as limits
from tb_lossdiag.recording.reference_losses import orders

WAYS = {"graph": {}, "unknown batch": {}, "XLA": {"jit_compile": True}, "eager": {"run_eagerly": True}}


def recorded(folder, model, loss, x, y, batch_size=EXAMPLES, epochs=1, way="graph", compiled=None, **options):
    model.compile("sgd", loss, **WAYS[way], **(compiled or {}))
    if way == "unknown batch":
        parts = (x, y, options.pop("sample_weight")) if "sample_weight" in options else (x, y)
        options["x"] = tf.data.Dataset.from_tensor_slices(parts).batch(batch_size)
    else:
        options |= {"x": x, "y": y, "batch_size": batch_size}
    callback = LossDiagnostics(folder, every=1)
    model.fit(epochs=epochs, shuffle=False, verbose=0, callbacks=[callback], **options)
    return Records(folder)


def found(records, row):
    return {name: float(records.data(f"prediction:{row}", name)[0]) for name in NAMES}


def dealt(batch, way="graph"):
    """The orders that a step deals outputs in; a graph that does not know the batch size draws them."""
    return np.array(orders(tf.constant(batch) if way == "unknown batch" else batch))


@pytest.mark.parametrize(("name", "way"), kinds_and_ways(list(WAYS)))
def test_they_are_those_that_keras_computes_of_the_same_outputs(tmp_path, name, way):
    kind = KINDS[name]
    x, y = vectors(), kind.targets()
    p = model_of(kind)(x).numpy()
    records = recorded(tmp_path, model_of(kind), kind.make(), x, y, way=way)
    assert "not_measured" not in records.card.settings
    expected = references(kind.make(), y, p, dealt(EXAMPLES, way), constants(name, y, p), has_least(name, y, p))
    assert found(records, "out") == pytest.approx(expected, rel=2e-4, abs=2e-6, nan_ok=True)
    target = shaped(kind.make(), y, p)
    shapes = {"target": [None, *target.shape[1:]], "prediction": [None, *p.shape[1:]]}
    assert records.card.settings["loss_shapes"] == shapes


def test_no_example_is_dealt_its_own_output_and_each_output_is_dealt_once():
    for batch in (2, 3, 5, 24):
        for way in ("graph", "unknown batch"):
            for order in dealt(batch, way):
                assert sorted(order) == list(range(batch))
                assert not (order == np.arange(batch)).any()


def test_a_batch_of_one_has_no_other_example(tmp_path):
    kind = KINDS["huber"]
    for way in WAYS:
        records = recorded(tmp_path / way, model_of(kind), kind.make(), vectors()[:1], values()[:1], 1, way=way)
        numbers = found(records, "out")
        assert np.isnan([numbers["loss_shuffled"], numbers["loss_shuffled_change"]]).all()
        assert np.isfinite([numbers["loss"], numbers["loss_constant"], numbers["loss_least"]]).all()


@pytest.mark.parametrize("way", WAYS)
def test_a_loss_that_broadcasts_cannot_tell_one_example_from_another(tmp_path, way):
    kind = KINDS["contrastive"]
    records = recorded(tmp_path, model_of(kind), kind.make(), vectors(), kind.targets(), way=way)
    assert found(records, "out")["loss_shuffled_change"] < 1e-6
    assert records.card.settings["loss_shapes"] == {"target": [None], "prediction": [None, 1]}


@pytest.mark.parametrize("way", WAYS)
def test_sample_weights_stay_where_they_are(tmp_path, way):
    kind = KINDS["huber"]
    x, y, weight = vectors(), values(), np.linspace(0.0, 2.0, EXAMPLES).astype("float32")
    p = model_of(kind)(x).numpy()
    records = recorded(tmp_path, model_of(kind), kind.make(), x, y, way=way, sample_weight=weight)
    expected = references(kind.make(), y, p, dealt(EXAMPLES, way), constants("huber", y, p), True, weight)
    assert found(records, "out") == pytest.approx(expected, rel=1e-4)
    assert records.column("loss")[1] == pytest.approx(expected["loss"], rel=1e-5)


def test_class_weights_are_a_part_of_it(tmp_path):
    kind = KINDS["classes"]
    x, y, by_class = vectors(), kind.targets(), {0: 0.5, 1: 1.0, 2: 3.0}
    p = model_of(kind)(x).numpy()
    weight = np.array([by_class[label] for label in y], "float32")
    records = recorded(tmp_path, model_of(kind), kind.make(), x, y, class_weight=by_class)
    expected = references(kind.make(), y, p, dealt(EXAMPLES), constants("classes", y, p), False, weight)
    assert found(records, "out") == pytest.approx(expected, rel=1e-4, nan_ok=True)


def masked():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [LAYERS.Input((5,)), LAYERS.Embedding(12, 4, mask_zero=True), LAYERS.Dense(3, "softmax", name="out")]
    )
    rng = np.random.default_rng(7)
    words = rng.integers(1, 12, (EXAMPLES, 5))
    words[np.arange(5) >= rng.integers(1, 6, EXAMPLES)[:, None]] = 0
    return model, words, rng.integers(0, 3, (EXAMPLES, 5))


@pytest.mark.parametrize("way", WAYS)
def test_an_example_is_dealt_with_its_mask(tmp_path, way):
    model, words, y = masked()
    p, mask, loss = model(words).numpy(), words > 0, keras.losses.SparseCategoricalCrossentropy(reduction="none")
    records = recorded(tmp_path, masked()[0], "sparse_categorical_crossentropy", words, y, way=way)

    def mean(outputs, mask):
        return (loss(y, outputs).numpy() * mask).sum() / mask.sum()

    numbers, places = found(records, "out"), dealt(EXAMPLES, way)
    assert numbers["loss"] == pytest.approx(mean(p, mask), rel=1e-4)
    assert numbers["loss_shuffled"] == pytest.approx(np.mean([mean(p[o], mask[o]) for o in places]), rel=1e-4)
    shares = (np.bincount(y.ravel(), minlength=3) + 1.0) / (y.size + 3.0)
    constant = min(mean(np.broadcast_to(row, p.shape).astype("float32"), mask) for row in (p.mean(axis=0), shares))
    assert numbers["loss_constant"] == pytest.approx(constant, rel=1e-4)


def two_heads():
    keras.utils.set_random_seed(3)
    x = LAYERS.Input((4,), name="x")
    hidden = LAYERS.Dense(6, "relu")(x)
    ends = {"kind": LAYERS.Dense(3, "softmax", name="kind")(hidden), "size": LAYERS.Dense(1, name="size")(hidden)}
    return keras.Model(x, {**ends, "free": LAYERS.Dense(2, name="free")(hidden)})


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("way", WAYS)
def test_each_output_has_those_of_its_own_loss(tmp_path, way):
    x, y = vectors(), {"kind": KINDS["classes"].targets(), "size": values(), "free": values()}
    model = two_heads()
    p = {name: value.numpy() for name, value in model(x).items()}
    losses = {"kind": "sparse_categorical_crossentropy", "size": "mse"}
    records = recorded(
        tmp_path, two_heads(), losses, x, y, way=way, compiled={"loss_weights": {"kind": 0.1, "size": 3.0}}
    )
    for name, kind, least in (("kind", "classes", False), ("size", "a name", True)):
        expected = references(
            losses[name], y[name], p[name], dealt(EXAMPLES, way), constants(kind, y[name], p[name]), least
        )
        assert found(records, name) == pytest.approx(expected, rel=1e-4, nan_ok=True)
    assert np.isnan(list(found(records, "free").values())).all()
    assert "not_measured" not in records.card.settings


def test_an_unsure_prediction_counts_by_its_logits_as_it_does_in_the_loss(tmp_path):
    """From probabilities alone a cross-entropy ends at 16."""
    kind = KINDS["yes or no"]
    records = recorded(tmp_path, model_of(kind), kind.make(), 100.0 * vectors(), yes_or_no())
    assert found(records, "out")["loss"] == pytest.approx(records.column("loss")[1], rel=1e-5)
    assert found(records, "out")["loss_shuffled"] > 17


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_low_precision_they_are_those_of_the_loss_in_float32(tmp_path, policy):
    kind = KINDS["classes"]
    keras.config.set_dtype_policy(policy)
    try:
        x, y = vectors(), kind.targets()
        p = model_of(kind)(x).numpy()
        records = recorded(tmp_path, model_of(kind), kind.make(), x, y)
    finally:
        keras.config.set_dtype_policy("float32")
    expected = references(kind.make(), y, p.astype("float32"), dealt(EXAMPLES), constants("classes", y, p), False)
    assert found(records, "out") == pytest.approx(expected, rel=2e-2, nan_ok=True)


def test_of_a_large_output_the_first_examples_are_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MEASURED_ELEMENTS", 9)
    monkeypatch.setattr(limits, "MOST_ELEMENTS", 100)
    kind = KINDS["one-hot"]
    x, y = vectors(), kind.targets()
    p = model_of(kind)(x).numpy()
    records = recorded(tmp_path, model_of(kind), kind.make(), x, y)
    expected = references(kind.make(), y[:8], p[:8], dealt(8), constants("one-hot", y[:8], p[:8]), True)
    assert found(records, "out") == pytest.approx(expected, rel=1e-4)
    monkeypatch.setattr(limits, "MOST_ELEMENTS", 10)
    records = recorded(tmp_path / "larger", model_of(kind), kind.make(), x, y)
    assert records.card.settings["not_measured"] == limits.TOO_LARGE


def test_a_partial_last_batch_and_several_steps_a_call_have_their_own(tmp_path):
    kind = KINDS["huber"]
    for name, compiled in (("single", {}), ("several", {"steps_per_execution": 2})):
        records = recorded(
            tmp_path / name,
            model_of(kind),
            kind.make(),
            vectors(),
            values(),
            batch_size=10,
            epochs=2,
            compiled=compiled,
        )
        losses = records.data("prediction:out", "loss")
        of_steps = records.column("loss")
        assert losses == pytest.approx([of_steps[step] for step in records.steps(schema.DATA)], rel=1e-5)
        assert np.isfinite(records.data("prediction:out", "loss_shuffled")).all()


# Loops and steps of the user's own


def own_step(folder, compute, wrap=tf.function, kind="classes from logits", compiled=None, **options):
    kind = KINDS[kind]
    x, y = tf.constant(vectors()), tf.constant(kind.targets())
    model, optimizer = model_of(kind), keras.optimizers.SGD(0.1)
    if compiled is not None:
        model.compile(loss=compiled)

    @wrap
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = compute(y, model(x, training=True))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    with TrainingMonitor(model, optimizer, folder, every=1, **options) as monitor:
        monitor.watch(step)(x, y)
    return Records(folder)


CE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
CALLS = {
    "a loss object": lambda y, z: CE(y, z),
    "one on a part of the output": lambda y, z: CE(y, tf.cast(tf.identity(z), tf.float32)),
    "a function of Keras's": lambda y, z: tf.reduce_mean(
        keras.losses.sparse_categorical_crossentropy(y, z, from_logits=True)
    ),
    "tf.keras": lambda y, z: tf.reduce_mean(tf.keras.losses.sparse_categorical_crossentropy(y, z, from_logits=True)),
    "a function of TensorFlow's": lambda y, z: tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=z)
    ),
}
WRAPS = {"eager": lambda step: step, "function": tf.function, "XLA": tf.function(jit_compile=True)}


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("call", CALLS)
def test_a_loop_that_calls_a_known_loss_has_them_and_its_card(tmp_path, call, wrap):
    if wrap == "eager" and "part" in call:
        pytest.skip("what runs at once does not show what was made of what")
    kind = KINDS["classes from logits"]
    x, y = vectors(), kind.targets()
    p = model_of(kind)(x).numpy()
    records = own_step(tmp_path, CALLS[call], WRAPS[wrap])
    expected = references(CE, y, p, dealt(EXAMPLES), constants("classes from logits", y, p), False)
    assert found(records, "out") == pytest.approx(expected, rel=1e-4, nan_ok=True)
    assert (records.card.loss["name"], records.card.loss["from_logits"]) == ("SparseCategoricalCrossentropy", True)
    assert records.card.settings["target_kind"] == "sparse_classes"
    assert "not_measured" not in records.card.settings


def written_out(y, z):
    return -tf.reduce_mean(tf.gather(tf.nn.log_softmax(z), y, axis=1, batch_dims=1))


def test_a_loss_that_is_written_out_is_told_of(tmp_path):
    records = own_step(tmp_path, written_out)
    assert records.card.settings["not_measured"] == limits.WRITTEN_OUT
    assert np.isnan(list(found(records, "out").values())).all()


@pytest.mark.parametrize("given", [CE, written_out, "compiled"])
@pytest.mark.parametrize("wrap", WRAPS)
def test_a_loss_that_is_named_for_a_loop_is_measured(tmp_path, given, wrap):
    kind = KINDS["classes from logits"]
    x, y = vectors(), kind.targets()
    p = model_of(kind)(x).numpy()
    options = {"compiled": CE} if given == "compiled" else {"loss": given}
    records = own_step(tmp_path, written_out, WRAPS[wrap], **options)
    numbers = found(records, "out")
    expected = references(CE, y, p, dealt(EXAMPLES), constants("classes from logits", y, p), False)
    assert numbers == pytest.approx(expected, rel=1e-4, nan_ok=True)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        (3, TypeError, "loss=3: expected a Keras loss"),
        (keras.losses.Huber, TypeError, "loss=<class"),
        ("no_such_loss", ValueError, "loss='no_such_loss': no loss of this name"),
    ],
)
def test_a_wrong_loss_is_told_at_once(tmp_path, given, error, text):
    with pytest.raises(error, match=text):
        TrainingMonitor(model_of(KINDS["huber"]), keras.optimizers.SGD(), tmp_path, loss=given)


class OwnStep(keras.Sequential):
    """A train_step that does without compute_loss."""

    computed = staticmethod(lambda y, p: tf.reduce_mean(tf.square(y - p)))

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.computed(y, self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


class CallsALoss(OwnStep):
    computed = staticmethod(keras.losses.MeanSquaredError())


def test_a_train_step_that_writes_its_loss_out_is_told_of_and_one_that_calls_a_loss_has_them(tmp_path):
    def layers():
        return [LAYERS.Input((4,)), LAYERS.Dense(1, name="out")]

    records = recorded(tmp_path / "written", OwnStep(layers()), None, vectors(), values())
    assert records.card.settings["not_measured"] == limits.IN_STEP
    records = recorded(tmp_path / "called", CallsALoss(layers()), None, vectors(), values())
    assert "not_measured" not in records.card.settings
    assert records.card.loss["name"] == "MeanSquaredError"
    assert found(records, "out")["loss"] == pytest.approx(records.column("loss")[1], rel=1e-5)


def test_a_loss_that_only_layers_add_is_told_of(tmp_path):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(2, activity_regularizer="l2", name="out")])
    records = recorded(tmp_path, model, None, vectors(), None)
    assert records.card.settings["not_measured"] == limits.ADDED


def test_a_label_beyond_the_last_class_that_xla_lets_pass_ends_no_recording(tmp_path):
    x, y = batches(16)
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=True)
    y = np.where(y == 2, 3, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=1)])
    first = next(iter(diagnose(tmp_path).values())).first
    assert first.id == "invalid_labels"

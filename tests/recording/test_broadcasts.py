"""A loss that holds every target against every output is found; what broadcasts on purpose is not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import same
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.broadcasts import meeting, snake_case

LAYERS = keras.layers
ROWS, BATCH = 32, 8


@pytest.mark.parametrize(
    ("left", "right", "result"),
    [
        ((8,), (8, 1), (8, 8)),
        ((8, 1), (8,), (8, 8)),
        ((None,), (None, 1), (None, None)),
        ((None, 1), (8,), (None, 8)),
        ((8,), (8, 5, 1), (8, 5, 8)),
    ],
)
def test_two_ranks_that_hold_the_batch_against_itself_meet(left, right, result):
    assert meeting(left, right, frozenset((8,))) == result


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((8, 1), (8, 1)),
        ((8, 1), (1, 8)),  # one rank: on purpose
        ((8, 1, 3), (1, 8, 3)),
        ((), (8, 1)),
        ((1,), (8, 1)),
        ((3,), (8, 3)),  # weights of classes
        ((5,), (8, 1)),  # quantiles
        ((5, 3), (8, 5, 3)),  # positions
        ((5,), (None, 1)),
        ((3,), (None, 3)),
        (None, (8, 1)),
    ],
)
def test_other_shapes_do_not(left, right):
    assert meeting(left, right, frozenset((8,))) is None


def test_operations_are_told_in_words():
    names = ["Sub", "SquaredDifference", "AddV2", "SelectV2", "LogicalAnd"]
    assert list(map(snake_case, names)) == ["sub", "squared_difference", "add", "select", "logical_and"]


def net(inputs=3, outputs=1):
    keras.utils.set_random_seed(0)
    return keras.Sequential([LAYERS.Input((inputs,)), LAYERS.Dense(4, "relu"), LAYERS.Dense(outputs)])


def data(*target_shape):
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 3)).astype("float32"), rng.normal(size=(ROWS, *target_shape)).astype("float32")


def found_in(log_dir):
    records = Records(log_dir)
    assert records.events("recording_stopped") == []
    return records.card.settings.get("broadcasts", [])


class Contrastive(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(y_true * tf.square(y_pred) + (1 - y_true) * tf.square(tf.maximum(1 - y_pred, 0)))


def by_hand(y_true, y_pred):
    return tf.reduce_mean(tf.square(y_true - y_pred))


def where_of(text):
    with open(__file__) as source:
        return next(f"test_broadcasts.py:{number}" for number, line in enumerate(source, 1) if text in line)


def fitted(tmp_path, loss, y, model=None, **options):
    def weights(callbacks):
        own = (model or net)()
        own.compile(keras.optimizers.SGD(0.01), loss, **options)
        rows = tf.data.Dataset.from_tensor_slices((data()[0], y)).batch(BATCH)
        own.fit(rows, epochs=1, shuffle=False, verbose=0, callbacks=callbacks)
        return own.get_weights()

    bare, recorded = weights([]), weights([LossDiagnostics(tmp_path, every=2)])
    assert same(bare, recorded)
    return found_in(tmp_path)


OPTIONS = {"graph": {"jit_compile": False}, "XLA": {"jit_compile": True}, "eager": {"run_eagerly": True}}


@pytest.mark.parametrize("way", OPTIONS)
def test_a_loss_of_the_users_own_in_a_fit_is_told_with_its_line(tmp_path, way):
    found = fitted(tmp_path, Contrastive(), data()[1], **OPTIONS[way])
    first = found[0]
    assert (first["operation"], first["where"]) == ("mul", where_of("y_true * tf.square(y_pred) +"))
    assert [len(first[name]) for name in ("left", "right", "result")] == [1, 2, 2]


@pytest.mark.parametrize("way", OPTIONS)
def test_the_same_loss_with_targets_of_the_same_rank_is_not(tmp_path, way):
    for loss in (Contrastive(), by_hand):
        assert fitted(tmp_path, loss, data(1)[1], **OPTIONS[way]) == []


def test_the_losses_of_keras_align_their_ranks_themselves(tmp_path):
    for loss in ("mse", "mae", "huber", "binary_crossentropy"):
        assert fitted(tmp_path, loss, data()[1]) == []


class OwnStep(keras.Model):
    def __init__(self, loss):
        keras.utils.set_random_seed(0)
        super().__init__()
        self.out, self.own_loss = LAYERS.Dense(1), loss

    def call(self, x):
        return self.out(x)

    def train_step(self, batch):
        x, y = batch
        with tf.GradientTape() as tape:
            loss = self.own_loss(y, self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


def test_a_train_step_of_the_users_own_is_looked_at_too(tmp_path):
    (found,) = fitted(tmp_path, None, data()[1], lambda: OwnStep(by_hand))
    assert (found["operation"], found["where"]) == ("sub", where_of("tf.square(y_true - y_pred)"))


WRAPPINGS = {
    "eager": lambda step: step,
    "function": tf.function,
    "XLA": tf.function(jit_compile=True),
    "unknown sizes": tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec(None)]),
}


def looped(tmp_path, wrapping, loss, y, model=None, in_a_block=False):
    """What is found in a loop of the user's own, which trains to the same bits as without us."""

    def weights(recorded):
        own = (model or net)()
        optimizer = keras.optimizers.SGD(0.01)

        @WRAPPINGS[wrapping]
        def step(x, y):
            with tf.GradientTape() as tape:
                value = loss(y, own(x, training=True))
            gradients = tape.gradient(value, own.trainable_variables)
            optimizer.apply_gradients(zip(gradients, own.trainable_variables, strict=True))
            return value

        with TrainingMonitor(own, optimizer, tmp_path, every=2) as monitor:
            watched = monitor.watch(step) if recorded and not in_a_block else step
            x = data()[0]
            for i in range(0, ROWS, BATCH):
                part = tf.constant(x[i : i + BATCH]), tf.constant(y[i : i + BATCH])
                if recorded and in_a_block:
                    with monitor.step():
                        step(*part)
                else:
                    watched(*part)
        return own.get_weights()

    assert same(weights(False), weights(True))
    return found_in(tmp_path)


@pytest.mark.parametrize("in_a_block", [False, True])
@pytest.mark.parametrize("wrapping", ["eager", "function", "XLA"])
def test_a_loop_of_the_users_own_is_looked_at(tmp_path, wrapping, in_a_block):
    (found,) = looped(tmp_path, wrapping, by_hand, data()[1], in_a_block=in_a_block)
    expected = {"operation": "sub", "left": [8], "right": [8, 1], "result": [8, 8]}
    assert found == {**expected, "where": where_of("tf.square(y_true - y_pred)")}
    assert looped(tmp_path / "fixed", wrapping, by_hand, data(1)[1], in_a_block=in_a_block) == []


@pytest.mark.parametrize("wrapping", ["eager", "function"])
def test_measurements_that_a_step_holds_are_data(tmp_path, wrapping):
    """A small tensor that a traced step reads is no argument of it: it is written into the graph."""
    x, flat, column = (tf.constant(part) for part in (*data(), data(1)[1]))

    def beside(seen):
        return lambda y, out: tf.reduce_mean(tf.square(out)) + tf.reduce_mean(tf.square(seen - holding.model(x)))

    (found,) = holding(tmp_path, wrapping, beside(flat))
    assert (found["operation"], found["result"]) == ("sub", [ROWS, ROWS])
    assert holding(tmp_path / "fixed", wrapping, beside(column)) == []


def holding(tmp_path, wrapping, loss):
    """A loop whose loss asks the model again, for rows of its own."""

    def made():
        holding.model = net()
        return holding.model

    return looped(tmp_path, wrapping, loss, data(1)[1], made)


def embeddings():
    return net(outputs=4)


def supervised_contrastive(y, out):
    """Labels against labels, outputs against outputs."""
    same_kind = tf.cast(tf.equal(y[:, None], y[None, :]), tf.float32)
    distances = tf.reduce_sum(tf.square(out[:, None] - out[None, :]), -1)
    return tf.reduce_mean(same_kind * distances + (1 - same_kind) * tf.nn.relu(1 - distances))


def with_labels_of_rank_two(y, out):
    """The mask of pairs is made of labels (B, 1) and (B,): both from the same tensor."""
    same_kind = tf.cast(tf.equal(y[:, None], y), tf.float32)
    return tf.reduce_mean(same_kind * tf.matmul(out, out, transpose_b=True))


def chamfer(y, out):
    """Every output against every target, said so: both sides have one rank."""
    return tf.reduce_mean(tf.square(out[:, None, :1] - y[None, :, None]))


def risk_sets(y, out):
    """Cox: who is at risk when, and the hazard of each."""
    at_risk = tf.cast(y[None, :] >= y[:, None], tf.float32)
    return tf.reduce_mean(tf.math.log(tf.reduce_sum(at_risk * tf.exp(out[:, 0])[None, :], 1)) - out[:, 0])


def quantiles(y, out):
    error = y[:, None] - out[:, :1]
    return tf.reduce_mean(tf.maximum(error * tf.constant([0.1, 0.5, 0.9]), error * tf.constant([-0.9, -0.5, -0.1])))


def weights_of_units(y, out):
    return tf.reduce_mean(tf.constant([1.0, 2.0, 3.0, 4.0]) * tf.square(y[:, None] - out))


def only_in_a_metric(y, out):
    """The accuracy is broadcast, which the loss does not depend on."""
    tf.reduce_mean(tf.cast(tf.equal(y, tf.round(out[:, :1])), tf.float32))
    return tf.reduce_mean(tf.square(y[:, None] - out))


HEALTHY = (
    *(supervised_contrastive, with_labels_of_rank_two, chamfer, risk_sets, quantiles, weights_of_units),
    only_in_a_metric,
)


@pytest.mark.parametrize("loss", HEALTHY, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize("wrapping", ["eager", "function"])
def test_what_broadcasts_on_purpose_is_not_told(tmp_path, wrapping, loss):
    assert looped(tmp_path, wrapping, loss, data()[1], embeddings) == []


def test_where_sizes_are_unknown_only_ranks_tell(tmp_path):
    model, optimizer = net(), keras.optimizers.SGD(0.01)

    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None])])
    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.math.squared_difference(model(x), y))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    x, y = data()
    with TrainingMonitor(model, optimizer, tmp_path) as monitor:
        monitor.watch(step)(tf.constant(x), tf.constant(y))
    (found,) = found_in(tmp_path)
    shapes = {"left": [None, 1], "right": [None], "result": [None, None]}
    assert found == {"operation": "squared_difference", **shapes, "where": where_of("squared_difference(model(x), y))")}


def masked():
    """Attention with a mask that has another rank than the scores."""
    keras.utils.set_random_seed(0)
    x = LAYERS.Input((3,))
    tokens = LAYERS.Reshape((3, 1))(x)
    mask = LAYERS.Lambda(lambda t: tf.cast(t > 0, tf.bool)[:, None])(x)
    h = LAYERS.MultiHeadAttention(1, 2)(tokens, tokens, attention_mask=mask)
    return keras.Model(x, LAYERS.Dense(1)(LAYERS.Flatten()(h)))


def test_masks_inside_of_the_model_are_its_own_business(tmp_path):
    assert fitted(tmp_path, by_hand, data(1)[1], masked) == []


def test_an_autoencoder_and_its_inputs_have_one_shape(tmp_path):
    assert fitted(tmp_path, "mse", data()[0], lambda: net(outputs=3)) == []
    assert fitted(tmp_path, by_hand, data()[0], lambda: net(outputs=3)) == []

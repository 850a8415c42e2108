"""With old and new versions alike a training ends with the same bits as without us, and its log is whole."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from recording.reading import Records
from recording.small_models import same

from tb_lossdiag import LossDiagnostics, TrainingMonitor, diagnose, schema

LAYERS = keras.layers
EXAMPLES, BATCH, EPOCHS = 44, 8, 3  # the last batch of an epoch is half as large
RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(EXAMPLES, 4)).astype("float32"), RNG.integers(0, 3, EXAMPLES)
WORDS = RNG.integers(0, 12, (EXAMPLES, 5))


def mlp():
    return keras.Sequential(
        [
            LAYERS.Input((4,)),
            LAYERS.Dense(8, "relu"),
            LAYERS.BatchNormalization(),
            LAYERS.Dropout(0.3),
            LAYERS.Dense(3, "softmax"),
        ]
    )


def dense():
    return keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(8, "relu"), LAYERS.Dense(3, "softmax")])


def recurrent():
    return keras.Sequential(
        [LAYERS.Input((5,), dtype="int32"), LAYERS.Embedding(12, 4), LAYERS.LSTM(4), LAYERS.Dense(3, "softmax")]
    )


def two_ends():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    x = LAYERS.Concatenate()([LAYERS.Dense(4, "tanh")(a), LAYERS.Dense(4, "tanh")(b)])
    return keras.Model(
        {"a": a, "b": b}, {"one": LAYERS.Dense(3, "softmax", name="one")(x), "two": LAYERS.Dense(1, name="two")(x)}
    )


class OwnStep(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = mlp()

    def call(self, x, training=False):
        return self.inner(x, training=training)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


SPARSE = "sparse_categorical_crossentropy"
WAYS = {
    "graph": (mlp, X, Y, {}),
    "XLA": (dense, X, Y, {"jit_compile": True}),
    "eager": (mlp, X, Y, {"run_eagerly": True}),
    "three steps a call": (mlp, X, Y, {"steps_per_execution": 3}),
    "four steps a call, of six": (mlp, X, Y, {"steps_per_execution": 4}),
    "momentum and clipping": (mlp, X, Y, {"optimizer": lambda: keras.optimizers.SGD(0.1, 0.9, clipnorm=0.5)}),
    "a recurrent network": (recurrent, WORDS, Y, {}),
    "two outputs": (
        two_ends,
        {"a": X, "b": X},
        {"one": Y, "two": X[:, :1]},
        {"loss": {"one": SPARSE, "two": "mse"}},
    ),
    "a train_step of its own": (OwnStep, X, Y, {}),
}


def fit(way, callbacks):
    build, x, y, options = WAYS[way]
    keras.backend.clear_session()  # so that layers are named alike
    keras.utils.set_random_seed(3)
    optimizer = options.get("optimizer", lambda: keras.optimizers.Adam(0.01))()
    model = build()
    model.compile(**{"loss": SPARSE, **options, "optimizer": optimizer})
    history = model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=callbacks).history
    return [*model.get_weights(), *(np.array(variable) for variable in optimizer.variables)], history


# What Keras before 3.7 says where the data do not last for all steps of a call.
@pytest.mark.filterwarnings("ignore:Your input ran out of data:UserWarning")
@pytest.mark.parametrize("way", WAYS)
def test_it_trains_to_the_same_bits_and_its_log_is_whole(way, tmp_path):
    bare, history = fit(way, [])
    recorded, recorded_history = fit(way, [LossDiagnostics(tmp_path / "run", every=2)])
    assert same(bare, recorded)
    assert history == recorded_history
    records = Records(tmp_path / "run")
    assert records.steps(schema.LAYERS) and not records.events("recording_stopped")
    (report,) = diagnose(tmp_path).values()
    assert report.verdict.state and report.notes == ()


@pytest.mark.parametrize(
    "made", [lambda step: step, tf.function, tf.function(jit_compile=True)], ids=["eager", "graph", "XLA"]
)
def test_a_loop_of_ones_own_trains_to_the_same_bits_and_its_log_is_whole(made, tmp_path):
    def train(monitored):
        keras.utils.set_random_seed(3)
        model, optimizer = mlp(), keras.optimizers.Adam(0.01)
        optimizer.build(model.trainable_variables)
        loss_of = keras.losses.SparseCategoricalCrossentropy()

        @made
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = loss_of(y, model(x, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return loss

        with TrainingMonitor(model, optimizer, tmp_path / "run", every=2 if monitored else 10**9) as monitor:
            taken = monitor.watch(step) if monitored else step
            for start in range(0, 40, BATCH):
                taken(tf.constant(X[start : start + BATCH]), tf.constant(Y[start : start + BATCH]))
        return model.get_weights()

    assert same(train(monitored=False), train(monitored=True))
    assert Records(tmp_path / "run").steps(schema.LAYERS)
    (report,) = diagnose(tmp_path).values()
    assert report.notes == ()

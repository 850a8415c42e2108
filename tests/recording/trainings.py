"""What does Keras train, and how? One small training for each way, by the name it has in the README's support table."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

LAYERS, OPTIMIZERS = keras.layers, keras.optimizers
BATCH, EXAMPLES = 8, 24


def vectors() -> tuple[Any, Any]:
    rng = np.random.default_rng(7)
    return rng.normal(size=(EXAMPLES, 4)).astype("float32"), rng.integers(0, 3, EXAMPLES)


def words() -> tuple[Any, Any]:
    rng = np.random.default_rng(7)
    return rng.integers(0, 12, (EXAMPLES, 5)), rng.integers(0, 3, EXAMPLES)


def waves() -> tuple[Any, Any]:
    rng = np.random.default_rng(7)
    return rng.normal(size=(EXAMPLES, 5, 3)).astype("float32"), rng.integers(0, 3, EXAMPLES)


def fit(model: keras.Model, data: tuple, callbacks: list, **options: Any) -> Any:
    options = {"batch_size": BATCH, "epochs": 2, "shuffle": False, "verbose": 0, **options}
    return model.fit(*data, callbacks=callbacks, **options)


def fit_with(**options: Any) -> Callable:
    return lambda model, data, callbacks: fit(model, data, callbacks, **options)


@dataclass(frozen=True)
class Way:
    """One way to train. build: the compiled model. train: runs it with callbacks. policy: Keras's dtype policy.

    exact: whether the batches come in order and the forward pass has no chance in it, so that a tape of our own gives
    the gradient of each step. single: whether a callback sees the weights after every step.
    fails: what plain Keras says where it cannot do this; nobody can record it then.
    """

    group: str
    name: str
    build: Callable[[], keras.Model]
    data: Callable[[], tuple] = vectors
    train: Callable = fit
    policy: str = "float32"
    exact: bool = True
    single: bool = True
    fails: str = ""


def mlp(**first: Any) -> keras.Model:
    return keras.Sequential(
        [
            LAYERS.Input((4,)),
            LAYERS.Dense(8, "relu", name="hidden", **first),
            LAYERS.Dense(3, "softmax", name="out"),
        ]
    )


def compiled(
    model: Callable[[], keras.Model] = mlp, optimizer: Callable = OPTIMIZERS.Adam, **options: Any
) -> Callable[[], keras.Model]:
    def build() -> keras.Model:
        keras.backend.clear_session()  # so that layers are named alike
        keras.utils.set_random_seed(3)
        made = model()
        made.compile(**{"optimizer": optimizer(), "loss": "sparse_categorical_crossentropy", **options})
        return made

    return build


def stack(*layers: Callable[[], Any], shape: tuple = (4,)) -> Callable[[], keras.Model]:
    """Layers between the input and the head."""
    return lambda: keras.Sequential(
        [LAYERS.Input(shape), *(make() for make in layers), LAYERS.Dense(3, "softmax", name="out")]
    )


def sgd(**options: Any) -> Callable:
    return lambda: OPTIMIZERS.SGD(**{"learning_rate": 0.1, **options})


def functional() -> keras.Model:
    x = LAYERS.Input((4,))
    left, right = LAYERS.Dense(5, "tanh")(x), LAYERS.Dense(5, "relu")(x)
    return keras.Model(x, LAYERS.Dense(3, "softmax")(LAYERS.Concatenate()([left, right])))


def nested() -> keras.Model:
    inner = keras.Sequential([LAYERS.Input((6,)), LAYERS.Dense(6, "relu"), LAYERS.Dense(6, "tanh")], name="block")
    return keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(6), inner, LAYERS.Dense(3, "softmax")])


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = LAYERS.Dense(8, "relu"), LAYERS.Dense(3, "softmax")

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))


def shared() -> keras.Model:
    x, twice = LAYERS.Input((4,)), LAYERS.Dense(4, "tanh", name="twice")
    return keras.Model(x, LAYERS.Dense(3, "softmax")(twice(twice(x))))


def two_ends() -> keras.Model:
    a, b = LAYERS.Input((4,), name="a"), LAYERS.Input((4,), name="b")
    h = LAYERS.Concatenate()([LAYERS.Dense(5, "relu")(a), LAYERS.Dense(5, "relu")(b)])
    return keras.Model([a, b], {"kind": LAYERS.Dense(3, "softmax", name="kind")(h), "size": LAYERS.Dense(1)(h)})


def two_ends_data() -> tuple:
    x, y = vectors()
    return [x, x[::-1]], {"kind": y, "size": x[:, :1]}


class Penalised(LAYERS.Layer):
    def call(self, x: Any) -> Any:
        self.add_loss(0.1 * keras.ops.mean(keras.ops.square(x)))
        return x


def frozen() -> keras.Model:
    model = mlp()
    model.layers[0].trainable = False
    return model


class Unused(Subclassed):
    def __init__(self) -> None:
        super().__init__()
        self.spare = LAYERS.Dense(2, name="spare")

    def call(self, x: Any) -> Any:
        self.spare(x)
        return super().call(x)


class OwnStep(Subclassed):
    def train_step(self, data: Any) -> dict:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x, training=True))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        return {"loss": loss}


class DecoratedStep(OwnStep):
    @tf.function
    def train_step(self, data: Any) -> dict:
        return super().train_step(data)


class Pair(keras.Model):
    """Two players, two optimizers."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(6, "relu"), LAYERS.Dense(4)])
        self.critic = keras.Sequential([LAYERS.Input((4,)), LAYERS.Dense(6, "tanh"), LAYERS.Dense(1)])

    def call(self, x: Any) -> Any:
        return self.critic(self.generator(x))

    def train_step(self, data: Any) -> dict:
        x, _ = data
        losses = {}
        for player, optimizer, sign in ((self.critic, self.optimizer, 1.0), (self.generator, self.second, -1.0)):
            with tf.GradientTape() as tape:
                loss = sign * tf.reduce_mean(self.critic(self.generator(x)) - self.critic(x))
            optimizer.apply(tape.gradient(loss, player.trainable_variables), player.trainable_variables)
            losses[player.name] = loss
        return {"loss": sum(losses.values())}


def pair() -> keras.Model:
    keras.backend.clear_session()
    keras.utils.set_random_seed(3)
    model = Pair()
    model.second = OPTIMIZERS.RMSprop(1e-3)
    model.compile(OPTIMIZERS.Adam(1e-3))
    return model


def rematerialised() -> keras.Model:
    with keras.RematScope(mode="full"):
        return mlp()


def attention() -> keras.Model:
    x = LAYERS.Input((5, 3))
    h = LAYERS.MultiHeadAttention(2, 4)(x, x)
    return keras.Model(x, LAYERS.Dense(3, "softmax")(LAYERS.GlobalAveragePooling1D()(LAYERS.LayerNormalization()(h))))


GENERATOR = tf.random.Generator.from_seed(1)


def from_the_same_state(model: keras.Model, data: tuple, callbacks: list) -> Any:
    GENERATOR.reset_from_seed(1)
    return fit(model, data, callbacks)


class Noise(LAYERS.Layer):
    """Adds what TensorFlow draws from a state that each trace has of its own."""

    def __init__(self, draw: Callable) -> None:
        super().__init__()
        self.draw = draw

    def call(self, x: Any) -> Any:
        return x + 0.1 * self.draw(x)


def noisy(draw: Callable = lambda x: tf.random.normal(tf.shape(x))) -> Callable[[], keras.Model]:
    return stack(lambda: LAYERS.Dense(6, "relu"), lambda: Noise(draw))


def noisy_loss(y: Any, y_pred: Any) -> Any:
    return keras.losses.sparse_categorical_crossentropy(y, y_pred) * tf.random.uniform(tf.shape(y))


class NoisyStep(Subclassed):
    def train_step(self, data: Any) -> dict:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x, y, self(x + tf.random.normal(tf.shape(x)), training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply([g + tf.random.normal(g.shape, seed=5) for g in gradients], self.trainable_variables)
        return {"loss": loss}


class DecoratedNoisyStep(NoisyStep):
    @tf.function
    def train_step(self, data: Any) -> dict:
        return super().train_step(data)


def from_generator(model: keras.Model, data: tuple, callbacks: list) -> Any:
    def batches() -> Any:
        while True:
            for i in range(0, EXAMPLES, BATCH):
                yield data[0][i : i + BATCH], data[1][i : i + BATCH]

    return model.fit(batches(), steps_per_epoch=3, epochs=2, verbose=0, callbacks=callbacks)


def from_dataset(model: keras.Model, data: tuple, callbacks: list) -> Any:
    batches = tf.data.Dataset.from_tensor_slices(data).batch(BATCH).prefetch(1)
    return model.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=callbacks)


def twice(model: keras.Model, data: tuple, callbacks: list) -> Any:
    fit(model, data, callbacks, epochs=1)
    return fit(model, data, callbacks, epochs=1)


def recompiled(model: keras.Model, data: tuple, callbacks: list) -> Any:
    fit(model, data, callbacks, epochs=1)
    model.compile(OPTIMIZERS.SGD(0.1), "sparse_categorical_crossentropy")
    return fit(model, data, callbacks, epochs=1)


def beside(model: keras.Model, data: tuple, callbacks: list) -> Any:
    at = Path(tempfile.mkdtemp())
    others = [
        keras.callbacks.TensorBoard(at / "tensorboard", update_freq=1),
        keras.callbacks.BackupAndRestore(at / "backup"),
        keras.callbacks.ModelCheckpoint(at / "{epoch}.keras"),
        keras.callbacks.EarlyStopping("loss", patience=5),
        keras.callbacks.ReduceLROnPlateau("loss", patience=0, min_delta=10.0),
    ]
    return fit(model, data, [*others, *callbacks])


def recorded_between_others(model: keras.Model, data: tuple, callbacks: list) -> Any:
    """A fit that is recorded, then one that is not, then one that is."""
    for each in (callbacks, [], callbacks):
        history = fit(model, data, each)
    return history


def on_batches(model: keras.Model, data: tuple, callbacks: list) -> Any:
    """train_on_batch between two fits."""
    fit(model, data, callbacks, epochs=1)
    model.train_on_batch(data[0][:BATCH], data[1][:BATCH])
    return fit(model, data, callbacks, epochs=1)


WEIGHTS = np.linspace(0.5, 2.0, EXAMPLES, dtype="float32")

ONE_BY_ONE = (
    *(
        Way("optimizer", name, compiled(optimizer=optimizer))
        for name, optimizer in {
            "SGD": sgd(),
            "SGD with momentum": sgd(momentum=0.9),
            "SGD with Nesterov momentum": sgd(momentum=0.9, nesterov=True),
            "Adam": lambda: OPTIMIZERS.Adam(0.01),
            "AdamW": lambda: OPTIMIZERS.AdamW(0.01, weight_decay=0.1),
            "RMSprop": lambda: OPTIMIZERS.RMSprop(0.01),
            "Adagrad": lambda: OPTIMIZERS.Adagrad(0.1),
            "Lion": lambda: OPTIMIZERS.Lion(0.01),
            "clipnorm": sgd(clipnorm=0.05),
            "global_clipnorm": sgd(global_clipnorm=0.05),
            "clipvalue": sgd(clipvalue=0.01),
            "exponential moving average": sgd(use_ema=True, ema_overwrite_frequency=2),
            "gradient accumulation": sgd(gradient_accumulation_steps=2),
            "learning rate schedule": sgd(learning_rate=OPTIMIZERS.schedules.ExponentialDecay(0.1, 1, 0.5)),
        }.items()
    ),
    Way("optimizer", "weight constraints", compiled(lambda: mlp(kernel_constraint=keras.constraints.MaxNorm(0.5)))),
    Way("precision", "mixed_float16 with loss scaling", compiled(), policy="mixed_float16", exact=False),
    Way("precision", "mixed_bfloat16", compiled(), policy="mixed_bfloat16", exact=False),
    Way("step", "graph", compiled(jit_compile=False)),
    Way("step", "XLA", compiled(jit_compile=True)),
    Way("step", "run_eagerly", compiled(run_eagerly=True)),
    *(
        Way("step", f"steps_per_execution={n}", compiled(steps_per_execution=n), single=False, exact=False)
        for n in (4, 32)
    ),
    Way("step", "steps_per_execution=2 with XLA", compiled(steps_per_execution=2, jit_compile=True), single=False),
    Way("step", "custom train_step", compiled(OwnStep)),
    Way("step", "custom train_step that is a tf.function", compiled(DecoratedStep)),
    Way("step", "two optimizers (GAN)", pair, exact=False),
    Way(
        "step",
        "RematScope",
        compiled(rematerialised),
        fails="keywords arguments only when eager execution is enabled",
    ),
    Way("model", "Sequential", compiled()),
    Way("model", "functional", compiled(functional)),
    Way("model", "nested", compiled(nested)),
    Way("model", "subclassed", compiled(Subclassed)),
    Way("model", "shared layer", compiled(shared)),
    Way(
        "model",
        "several inputs and outputs",
        compiled(two_ends, loss={"kind": "sparse_categorical_crossentropy", "size": "mse"}),
        two_ends_data,
    ),
    Way("model", "add_loss", compiled(stack(lambda: LAYERS.Dense(6, "relu"), Penalised))),
    Way("model", "frozen layers", compiled(frozen)),
    Way("model", "layers without a gradient", compiled(Unused)),
    *(
        Way("layer", name, compiled(stack(*layers, shape=(5, 3))), waves)
        for name, layers in {
            "LSTM": (lambda: LAYERS.LSTM(4),),
            "GRU": (lambda: LAYERS.GRU(4),),
            "Bidirectional": (lambda: LAYERS.Bidirectional(LAYERS.LSTM(3)),),
            "TimeDistributed": (lambda: LAYERS.TimeDistributed(LAYERS.Dense(4)), LAYERS.Flatten),
            "Conv1D": (lambda: LAYERS.Conv1D(4, 3, activation="relu"), LAYERS.GlobalAveragePooling1D),
        }.items()
    ),
    Way("layer", "MultiHeadAttention", compiled(attention), waves),
    Way(
        "layer",
        "Embedding (sparse gradient)",
        compiled(stack(lambda: LAYERS.Embedding(12, 4, name="words"), LAYERS.Flatten, shape=(5,))),
        words,
    ),
    Way("layer", "BatchNormalization", compiled(stack(lambda: LAYERS.Dense(6), LAYERS.BatchNormalization))),
    Way("layer", "Dropout", compiled(stack(lambda: LAYERS.Dense(6), lambda: LAYERS.Dropout(0.3))), exact=False),
    Way("data", "partial last batch", compiled(), train=fit_with(batch_size=10), exact=False),
    Way("data", "generator", compiled(), train=from_generator),
    Way("data", "tf.data", compiled(), train=from_dataset),
    Way("data", "class weights", compiled(), train=fit_with(class_weight={0: 1.0, 1: 3.0, 2: 0.5}), exact=False),
    Way("data", "sample weights", compiled(), train=fit_with(sample_weight=WEIGHTS), exact=False),
    Way("data", "shuffled", compiled(), train=fit_with(shuffle=True), exact=False),
    Way("fit", "validation data", compiled(metrics=["accuracy"]), train=fit_with(validation_data=vectors())),
    Way("fit", "initial_epoch", compiled(), train=fit_with(initial_epoch=1, epochs=3)),
    Way("fit", "second fit in the same directory", compiled(), train=twice),
    Way("fit", "recompiled between two fits", compiled(), train=recompiled),
    Way("fit", "train_on_batch in between", compiled(), train=on_batches, exact=False, single=False),
    Way("fit", "recorded, not recorded and recorded again", compiled(), train=recorded_between_others, single=False),
    Way(
        "fit",
        "beside TensorBoard, BackupAndRestore, ModelCheckpoint, EarlyStopping and ReduceLROnPlateau",
        compiled(),
        train=beside,
    ),
)
CHANCE = tuple(
    Way("chance", name, build, train=train, exact=False, single="several steps" not in name and "again" not in name)
    for name, build, train in (
        ("tf.random in a layer", compiled(noisy()), fit),
        ("tf.random with a seed of its own", compiled(noisy(lambda x: tf.random.uniform([6], seed=3))), fit),
        ("tf.nn.dropout", compiled(noisy(lambda x: tf.nn.dropout(x, 0.5))), fit),
        ("tf.random.shuffle", compiled(noisy(tf.random.shuffle)), fit),
        ("tf.random in a loss", compiled(noisy(), loss=noisy_loss), fit),
        ("tf.random in a custom train_step", compiled(NoisyStep), fit),
        ("tf.random in a train_step that is a tf.function", compiled(DecoratedNoisyStep), fit),
        ("tf.random, run_eagerly", compiled(NoisyStep, run_eagerly=True), fit),
        (
            "tf.random, run_eagerly, in a train_step that is a tf.function",
            compiled(DecoratedNoisyStep, run_eagerly=True),
            fit,
        ),
        ("tf.random, several steps an execution", compiled(noisy(), steps_per_execution=2), fit_with(epochs=3)),
        ("tf.random, partial last batch", compiled(noisy()), fit_with(batch_size=10)),
        ("tf.random, recorded, not recorded and recorded again", compiled(noisy()), recorded_between_others),
        ("tf.random.Generator", compiled(noisy(lambda x: GENERATOR.normal([6]))), from_the_same_state),
    )
)

# Where the arithmetic, the shapes or the traces differ enough that XLA may make something else of them.
UNDER_XLA = (
    *("clipnorm", "gradient accumulation", "mixed_float16 with loss scaling", "custom train_step"),
    *("custom train_step that is a tf.function", "several inputs and outputs", "LSTM", "Conv1D", "MultiHeadAttention"),
    *("Embedding (sparse gradient)", "BatchNormalization", "Dropout", "partial last batch"),
)


def under_xla(way: Way) -> Way:
    def build() -> keras.Model:
        model = way.build()
        model.jit_compile = True
        return model

    return replace(way, group="XLA", build=build)


WAYS = (*ONE_BY_ONE, *CHANCE, *(under_xla(way) for way in ONE_BY_ONE if way.name in UNDER_XLA))

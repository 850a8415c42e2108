"""Which trainings do the tests of recording on JAX look at? A script: Keras has one backend in a process.

    KERAS_BACKEND=jax python trainings.py GROUP DIRECTORY

Writes log directories, and what else the tests compare, into DIRECTORY.
"""

import json
import sys
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np
from private_names import FILES, names, without
from recording.loss_kinds import (
    EXAMPLES,
    FEW,
    KINDS,
    Balanced,
    Noisy,
    Perceptual,
    counting,
    model_of,
    squares,
    vectors,
)
from recording.loss_references import expected
from recording.small_models import LAYERS, THREE_TERMS, batches, ends, mlp, same, three_terms
from reference import train

from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.jax import statistics
from tb_lossdiag.recording.references import dealing

OPTIMIZERS = keras.optimizers


def words():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            LAYERS.Input((5,), name="x"),
            LAYERS.Embedding(11, 4, name="words"),
            LAYERS.LSTM(6, name="memory"),
            LAYERS.Dense(3, activation="softmax", name="out"),
        ]
    )


def small():
    keras.utils.set_random_seed(0)
    return keras.Sequential([LAYERS.Input((4,)), LAYERS.Dropout(0.2), LAYERS.Dense(3, activation="softmax")])


def fit(
    directory,
    build=mlp,
    optimizer="sgd",
    data=None,
    policy="float32",
    every=2,
    chosen=None,
    callbacks=(),
    fitted=None,
    **compiled,
):
    """(weights and optimizer state, history, warnings of ours) of a fit that is recorded where there is a directory."""
    keras.config.set_dtype_policy(policy)
    model = build()
    loss = compiled.pop("loss", "sparse_categorical_crossentropy")
    model.compile(optimizer() if callable(optimizer) else optimizer, loss, **compiled)
    x, y = batches() if data is None else data
    recorder = [LossDiagnostics(directory, every=every, **(chosen or {}))] if directory else []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        history = model.fit(
            x, y, **{"batch_size": 8, "epochs": 2, "verbose": 0, **(fitted or {})}, callbacks=[*recorder, *callbacks]
        ).history
    keras.config.set_dtype_policy("float32")
    return (
        [np.asarray(variable.value) for variable in (*model.variables, *model.optimizer.variables)],
        history,
        ours(warned),
    )


def ours(warned):
    return [str(warning.message) for warning in warned if "tb_lossdiag" in str(warning.message)]


SAME = {
    "momentum, dropout, batch norm": {"optimizer": lambda: OPTIMIZERS.SGD(0.1, momentum=0.9)},
    "bfloat16, adam, validation, partial batch": {
        "policy": "mixed_bfloat16",
        "optimizer": "adam",
        "metrics": ["accuracy"],
        "fitted": {"batch_size": 10, "validation_data": batches()},
    },
    "two steps a call, loss scale, clipnorm, decay, ema": {
        "build": small,
        "optimizer": lambda: OPTIMIZERS.LossScaleOptimizer(
            OPTIMIZERS.AdamW(0.01, weight_decay=0.1, clipnorm=0.5, use_ema=True)
        ),
        "steps_per_execution": 2,
    },
    "words": {
        "build": words,
        "optimizer": lambda: OPTIMIZERS.Adam(0.01, global_clipnorm=0.1),
        "data": (np.random.default_rng(1).integers(0, 11, (24, 5)), batches()[1]),
    },
    "eager": {"build": small, "run_eagerly": True},
    "not compiled": {"build": small, "optimizer": "adam", "jit_compile": False},
}


def same_group(directory):
    for name, settings in SAME.items():
        weights, history, _ = fit(None, **settings)
        recorded, recorded_history, warned = fit(directory / name, **settings)
        yield name, {"same": same(weights, recorded), "history": history == recorded_history, "warned": warned}


class Custom(keras.Model):
    """A train_step and its loss as Keras's guide writes them for JAX."""

    def __init__(self):
        super().__init__()
        keras.utils.set_random_seed(0)
        self.hidden, self.out = LAYERS.Dense(8, activation="relu"), LAYERS.Dense(3)

    def call(self, x):
        return self.out(self.hidden(x))

    def compute_loss_and_updates(self, trainable, non_trainable, x, y):
        prediction, non_trainable = self.stateless_call(trainable, non_trainable, x)
        return jnp.mean(jnp.square(prediction - jax.nn.one_hot(y, 3))), non_trainable

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        x, y = data[:2]
        differentiated = jax.value_and_grad(self.compute_loss_and_updates, has_aux=True)
        (loss, non_trainable), gradients = differentiated(trainable, non_trainable, x, y)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return {"loss": loss}, (trainable, non_trainable, optimizer, metrics)


class InsideAFunction(Custom):
    """What happens in a compiled function inside the step, nobody outside can read."""

    def train_step(self, state, data):
        return jax.jit(super().train_step)(state, data[:2])


class Broken(Custom):
    """Its user's own mistake."""

    def train_step(self, state, data):
        raise KeyError("the user's own")


class Interrupting(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise KeyError("enough")


def untouched(model):
    """Whether nothing of ours is left in a model, its layers or its optimizer, nor in jax."""
    hooked = {"train_step", "compute_loss", "call", "stateless_apply"}
    owners = [model, model.optimizer, *model.layers]
    return not any(hooked & set(vars(owner)) for owner in owners) and jax.grad.__module__.startswith("jax")


def surfacing(train):
    """What a KeyError in a fit said, and what we did."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            train()
        except KeyError as error:
            return {"error": error.args[0], "warned": ours(caught)}


def odd_group(directory):
    for build in (Custom, InsideAFunction):
        name = build.__name__
        weights, history, _ = fit(None, build, loss=None)
        recorded, again, warned = fit(directory / name, build, loss=None)
        yield name, {"same": same(weights, recorded), "history": history == again, "warned": warned}

    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.make_train_function()
    plain, callback = model.train_function, LossDiagnostics(directory / "twice")
    for _ in range(2):
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=[callback])
    yield "twice", {"function": model.train_function is plain, "untouched": untouched(model)}

    yield "mistake", surfacing(lambda: fit(directory / "mistake", Broken, loss=None))

    model = small()
    model.compile("sgd", "sparse_categorical_crossentropy")
    callback = LossDiagnostics(directory / "interrupted")
    facts = surfacing(lambda: model.fit(*batches(), batch_size=8, verbose=0, callbacks=[callback, Interrupting()]))
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[callback])
    yield "interrupted", {**facts, "untouched": untouched(model), "after": type(model.train_function).__name__}

    weights, _, _ = fit(None, small)
    whole = statistics.data_statistics
    statistics.data_statistics = lambda *_: 1 / 0
    recorded, _, warned = fit(directory / "failure", small)
    statistics.data_statistics = whole
    yield "failure", {"same": same(weights, recorded), "warned": warned}

    (directory / "file").write_text("in the way")
    recorded, _, warned = fit(directory / "file" / "log", small)
    yield "unwritable", {"same": same(weights, recorded), "warned": warned}

    fit(directory / "chosen", small, chosen={"include": "dense*"})
    x, y = batches(96)
    x[60, 0] = np.nan
    fit(directory / "accident", small, data=(x, y), every=100, fitted={"shuffle": False, "batch_size": 4, "epochs": 1})
    fit(directory / "every", small, every=1, fitted={"epochs": 3, "batch_size": 4})
    fit(directory / "few", small, every=100, fitted={"epochs": 3, "batch_size": 4})
    lower = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate if epoch == 0 else 0.5 * rate)
    fit(directory / "rate", small, lambda: OPTIMIZERS.SGD(0.5), callbacks=[lower])


def regularized():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            LAYERS.Input((4,), name="x"),
            LAYERS.Dense(6, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01), name="hidden"),
            LAYERS.Dense(5, activation="tanh", name="bounded"),
            LAYERS.Dense(3, activation="softmax", name="out"),
        ]
    )


def by_hand(weights, x):
    """(layer outputs, penalty) of `regularized`."""
    kernel, bias, *rest = weights
    hidden = jax.nn.relu(x @ kernel + bias)
    bounded = jnp.tanh(hidden @ rest[0] + rest[1])
    out = jax.nn.softmax(bounded @ rest[2] + rest[3])
    return {"hidden": hidden, "bounded": bounded, "out": out}, 0.01 * jnp.sum(jnp.square(kernel))


def numbers_group(directory):
    settings = {"rate": 0.1, "momentum": 0.9, "clipnorm": 0.1}
    model, (x, y) = regularized(), batches()
    weights = [np.asarray(weight) for weight in model.get_weights()]
    with jax.enable_x64(True):
        steps = train(by_hand, weights, x, y, **settings)
    np.savez(directory / "mlp.npz", x=x, y=y, **steps)

    model, x = words(), SAME["words"]["data"][0]
    inside = keras.Model(model.inputs[0], {layer.name: layer.output for layer in model.layers})
    rest = [variable.value for variable in model.non_trainable_variables]
    weights = [np.asarray(weight) for weight in model.get_weights()]
    steps = train(lambda weights, x: (inside.stateless_call(weights, rest, x)[0], 0.0), weights, x, y, **settings)
    np.savez(directory / "lstm.npz", x=x, y=y, **steps)

    def optimizer():
        return OPTIMIZERS.SGD(settings["rate"], settings["momentum"], clipnorm=settings["clipnorm"])

    fitted = {"epochs": 1, "shuffle": False}
    for name, build, data in (("mlp", regularized, batches()), ("lstm", words, (x, y))):
        _, _, warned = fit(directory / name, build, optimizer, data, every=1, fitted=fitted)
        yield name, {"warned": warned}

    whole = {"batch_size": 24, "epochs": 3}
    _, history, warned = fit(directory / "terms", three_terms, data=ends(), loss=THREE_TERMS, every=1, fitted=whole)
    yield "terms", {"warned": warned, "history": history}


def verdicts_group(directory):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 512)
    x = (rng.normal(size=(512, 8)) + 2.0 * np.eye(3, 8)[y]).astype(np.float32)

    def build(bias):
        keras.utils.set_random_seed(0)
        hidden = LAYERS.Dense(16, "relu", bias_initializer=keras.initializers.Constant(bias), name="hidden")
        return keras.Sequential([LAYERS.Input((8,)), hidden, LAYERS.Dense(3, "softmax", name="out")])

    for name, bias in (("healthy", 0.0), ("dead", -30.0)):
        fitted = {"epochs": 12, "batch_size": 32, "validation_split": 0.25}
        data, optimizer = (x, y), lambda: OPTIMIZERS.Adam(0.003)
        fit(directory / name, lambda bias=bias: build(bias), optimizer, data, every="auto", fitted=fitted)
        yield name, {}


def distributed_group(directory):
    """On two devices; the reference is on one."""
    devices = keras.distribution.list_devices()
    halves = keras.distribution.LayoutMap(keras.distribution.DeviceMesh((1, 2), ["batch", "model"], devices))
    halves["hidden.*kernel"] = (None, "model")
    halves["hidden.*bias"] = ("model",)
    for name, distribution in (
        ("one device", None),
        ("DataParallel", keras.distribution.DataParallel(devices=devices)),
        ("ModelParallel", keras.distribution.ModelParallel(layout_map=halves, batch_dim_name="batch")),
    ):
        keras.distribution.set_distribution(distribution)
        settings = {"build": regularized, "optimizer": lambda: OPTIMIZERS.Adam(0.01, clipnorm=0.1), "every": 1}
        settings["fitted"] = {"shuffle": False, "epochs": 1}
        recorded, history, warned = fit(directory / name, **settings)
        bare, plain, _ = fit(None, **settings) if distribution else (recorded, history, [])
        yield name, {"same": same(bare, recorded), "history": history == plain, "warned": warned}


def losses_group(directory):
    """On each loss, compiled and not: a fit with and without us, and what should be recorded of its first step."""
    made = dealing(EXAMPLES)
    for way, options in (("compiled", {}), ("not compiled", {"run_eagerly": True})):
        for name in KINDS if way == "compiled" else FEW:
            kind = KINDS[name]
            data, log = (vectors(), kind.targets()), directory / f"{way} {name}"
            numbers = expected(name, kind, model_of(kind), *data, made)
            yield log.name, {**_compared(log, kind, kind.make, data, options), "expected": numbers}
        for name, make in UNSAFE.items():
            kind, log = KINDS["huber"], directory / f"{way} {name}"
            yield log.name, _compared(log, kind, make, (vectors(), kind.targets()), options)


UNSAFE = {
    "a seed generator": Noisy,
    "a variable": Balanced,
    "a count": counting,
    "a model that trains": lambda: Perceptual(True),
    "a print": lambda: lambda y, p: (jax.debug.print(" "), squares(y, p))[1],
}


def _compared(log, kind, make, data, options):
    settings = {"build": lambda: model_of(kind), "data": data, "every": 1, **options}
    settings["fitted"] = {"batch_size": EXAMPLES, "epochs": 2, "shuffle": False}
    bare, plain, _ = fit(None, loss=make(), **settings)
    recorded, history, warned = fit(log, loss=make(), **settings)
    return {"same": same(bare, recorded), "history": history == plain, "warned": warned}


def nameless_group(directory):
    """Without one private name after the other, and without any, compiled and not."""
    gone = {private.name: (private,) for private in names(*FILES["jax"])}
    for way, options in (("compiled", {}), ("not compiled", {"run_eagerly": True})):
        bare, plain, _ = fit(None, small, **options)
        for name, these in {**gone, "all of them": tuple(names(*FILES["jax"]))}.items():
            log = directory / f"{way} without {name}"
            with without(these):
                recorded, history, warned = fit(log, small, **options)
            yield log.name, {"same": same(bare, recorded), "history": history == plain, "warned": warned}


GROUPS = {
    "losses": losses_group,
    "nameless": nameless_group,
    "same": same_group,
    "odd": odd_group,
    "numbers": numbers_group,
    "verdicts": verdicts_group,
    "distributed": distributed_group,
}

if __name__ == "__main__":
    group, directory = sys.argv[1], Path(sys.argv[2])
    facts = dict(GROUPS[group](directory))
    (directory / "facts.json").write_text(json.dumps(facts))

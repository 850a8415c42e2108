"""Which fits of Keras on PyTorch do the tests look at, and what should be recorded of a step?"""

import warnings

import keras
import numpy as np
import torch

from recording.small_models import batches, mlp
from tb_lossdiag import LossDiagnostics

LAYERS, OPTIMIZERS = keras.layers, keras.optimizers
CROSSENTROPY = "sparse_categorical_crossentropy"


def dense():
    return seeded(lambda: [LAYERS.Dense(8, "relu", name="hidden", kernel_regularizer="l2")], (4,))


def lstm():
    return seeded(lambda: [LAYERS.LSTM(4, name="hidden")], (5, 3))


def convolution():
    pooled = LAYERS.GlobalAveragePooling1D
    return seeded(lambda: [LAYERS.Conv1D(4, 3, activation="tanh", name="hidden"), pooled()], (5, 3))


def seeded(layers, shape):
    keras.utils.set_random_seed(3)
    return keras.Sequential([LAYERS.Input(shape), *layers(), LAYERS.Dense(3, "softmax", name="out")])


def waves():
    rng = np.random.default_rng(7)
    return rng.normal(size=(24, 5, 3)).astype("float32"), rng.integers(0, 3, 24)


class OneLayer(keras.Sequential):
    def __init__(self):
        keras.utils.set_random_seed(3)
        super().__init__([LAYERS.Input((4,), name="x"), LAYERS.Dense(1, name="out")])


class OwnStep(keras.Model):
    """A train_step and its loss as Keras's guide writes them for PyTorch."""

    def __init__(self):
        super().__init__()
        keras.utils.set_random_seed(0)
        self.hidden, self.out = LAYERS.Dense(8, "relu", name="hidden"), LAYERS.Dense(3, name="out")

    def call(self, x):
        return self.out(self.hidden(x))

    def train_step(self, data):
        x, y = data
        self.zero_grad()
        loss = torch.nn.functional.cross_entropy(self(x, training=True), y.long())
        loss.backward()
        weights = list(self.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply([weight.value.grad for weight in weights], weights)
        return {"loss": loss}


class Twice(OwnStep):
    """Two updates in one step, of which the first layer sees both; the gradients of the first are still there then."""

    def train_step(self, data):
        logs = super().train_step(data)
        (0.1 * sum(weight.value.square().sum() for weight in self.hidden.trainable_weights)).backward()
        weights = list(self.hidden.trainable_weights)
        with torch.no_grad():
            self.optimizer.apply([weight.value.grad for weight in weights], weights)
        return logs


class Broken(OwnStep):
    """Its user's own mistake."""

    def train_step(self, data):
        raise KeyError("the user's own")


class Weights(keras.callbacks.Callback):
    """The weights before and after each batch."""

    def __init__(self):
        super().__init__()
        self.before, self.after = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.before.append(self.model.get_weights())

    def on_train_batch_end(self, batch, logs=None):
        self.after.append(self.model.get_weights())


def fit(directory, build=mlp, optimizer="sgd", data=batches, every=2, chosen=None, callbacks=(), **options):
    """(weights and optimizer state, history, warnings of ours) of a fit that is recorded where there is a directory.

    options: of fit, and of compile under "compiled"; "policy" is Keras's dtype policy.
    """
    keras.config.set_dtype_policy(options.pop("policy", "float32"))
    model = build()
    compiled = {"loss": CROSSENTROPY, **options.pop("compiled", {})}
    model.compile(optimizer() if callable(optimizer) else optimizer, **compiled)
    recorder = [LossDiagnostics(directory, every=every, **(chosen or {}))] if directory else []
    options = {"batch_size": 8, "epochs": 2, "verbose": 0, **options}
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        history = model.fit(*data(), callbacks=[*recorder, *callbacks], **options).history
    keras.config.set_dtype_policy("float32")
    variables = [*model.variables, *model.optimizer.variables]
    state = [keras.ops.convert_to_numpy(variable) for variable in variables]
    return state, history, [str(w.message) for w in warned if "tb_lossdiag" in str(w.message)]


def by_hand(build, weights, x, y):
    """What one step should tell of a model without chance, from PyTorch's own autograd: {name: float or array}."""
    model = build()
    model.set_weights(weights)
    inside = keras.Model(model.inputs[0], {layer.name: layer.output for layer in model.layers})
    outputs = inside(x, training=True)
    penalty = sum(model.losses, torch.zeros(()))
    loss = torch.nn.functional.nll_loss(outputs["out"].log(), torch.as_tensor(y)) + penalty
    gradients = torch.autograd.grad(loss, [variable.value for variable in model.trainable_variables])
    return {
        "loss": float(loss.detach()),
        "penalty": float(penalty.detach()),
        "gradients": [gradient.double().numpy() for gradient in gradients],
        "hidden": outputs["hidden"].detach().double().numpy(),
    }

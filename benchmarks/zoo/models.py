"""Which models does the zoo train? A small perceptron, convolutional net, recurrent net and transformer block.

A fault in a model is a `partial` of its builder with one argument changed. Initial weights come from the global seed,
so `start` is a factory: an initializer made while importing would ignore it.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import keras
from keras import layers

Start = Callable[[], keras.initializers.Initializer]


def mlp(
    inputs: int,
    outputs: int,
    head: str | None,
    units: Sequence[int] = (64, 32),
    activation: str = "relu",
    start: Start = keras.initializers.GlorotUniform,
    first: Sequence[Callable[[], layers.Layer]] = (),
    between: Sequence[Callable[[], layers.Layer]] = (),
    last: Sequence[Callable[[], layers.Layer]] = (),
    head_options: dict[str, Any] | None = None,
    kind: type[keras.Model] = keras.Model,
    **dense: Any,
) -> keras.Model:
    """first: layers before the first hidden one. between: after each hidden one. last: after the head. dense: how every
    hidden layer differs from a plain Dense. kind: the class of the model, for one with its own train_step."""
    x = source = keras.Input((inputs,), name="features")
    for layer in first:
        x = layer()(x)
    for i, width in enumerate(units, 1):
        hidden = layers.Dense(width, activation=activation, kernel_initializer=start(), name=f"hidden_{i}", **dense)
        x = hidden(x)
        for layer in between:
            x = layer()(x)
    return _headed(source, x, outputs, head, last, head_options, kind)


def cnn(
    inputs: Sequence[int],
    outputs: int,
    head: str | None,
    filters: Sequence[int] = (8, 16),
    units: int = 32,
    activation: str = "relu",
    start: Start = keras.initializers.GlorotUniform,
    pooled: bool = True,
    first: Sequence[Callable[[], layers.Layer]] = (),
    between: Sequence[Callable[[], layers.Layer]] = (),
    before_head: Sequence[Callable[[], layers.Layer]] = (),
    last: Sequence[Callable[[], layers.Layer]] = (),
    head_options: dict[str, Any] | None = None,
    kind: type[keras.Model] = keras.Model,
    **conv: Any,
) -> keras.Model:
    """Convolutions of 3 by 3, pooled by 2 after the first two where `pooled`, then one Dense of `units`."""
    x = source = keras.Input(tuple(inputs), name="image")
    for layer in first:
        x = layer()(x)
    for i, width in enumerate(filters, 1):
        options = {"padding": "same", "activation": activation, "kernel_initializer": start(), **conv}
        x = layers.Conv2D(width, 3, name=f"conv_{i}", **options)(x)
        for layer in between:
            x = layer()(x)
        if pooled and i <= 2:
            x = layers.MaxPooling2D(name=f"pool_{i}")(x)
    x = layers.Flatten(name="flatten")(x)
    if units:
        x = layers.Dense(units, activation=activation, kernel_initializer=start(), name="hidden", **conv)(x)
    for layer in before_head:
        x = layer()(x)
    return _headed(source, x, outputs, head, last, head_options, kind)


def recurrent(
    inputs: Sequence[int],
    outputs: int,
    head: str | None,
    cell: str = "LSTM",
    units: Sequence[int] = (24,),
    first: Sequence[Callable[[], layers.Layer]] = (),
    before_head: Sequence[Callable[[], layers.Layer]] = (),
    last: Sequence[Callable[[], layers.Layer]] = (),
    head_options: dict[str, Any] | None = None,
    kind: type[keras.Model] = keras.Model,
    **options: Any,
) -> keras.Model:
    """cell: "LSTM", "GRU" or "SimpleRNN". options: how every recurrent layer differs from the default."""
    x = source = keras.Input(tuple(inputs), name="sequence")
    for layer in first:
        x = layer()(x)
    for i, width in enumerate(units, 1):
        made = {name: value() if _is_factory(value) else value for name, value in options.items()}
        x = getattr(layers, cell)(width, return_sequences=i < len(units), name=f"{cell.lower()}_{i}", **made)(x)
    for layer in before_head:
        x = layer()(x)
    return _headed(source, x, outputs, head, last, head_options, kind)


class Positions(layers.Layer):
    """Adds a learned vector per position."""

    def build(self, shape: tuple) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="uniform", name="table")

    def call(self, x: Any) -> Any:
        return x + self.table


def transformer(
    length: int,
    vocabulary: int,
    outputs: int,
    head: str | None,
    width: int = 24,
    blocks: int = 1,
    activation: str = "relu",
    normalised: bool = True,
    start: Start = keras.initializers.GlorotUniform,
    first: Sequence[Callable[[], layers.Layer]] = (),
    between: Sequence[Callable[[], layers.Layer]] = (),
    before_head: Sequence[Callable[[], layers.Layer]] = (),
    last: Sequence[Callable[[], layers.Layer]] = (),
    head_options: dict[str, Any] | None = None,
    kind: type[keras.Model] = keras.Model,
    **dense: Any,
) -> keras.Model:
    """Embedding, learned positions, blocks of attention and a Dense pair with residuals, mean over the positions."""
    source = keras.Input((length,), dtype="int32", name="tokens")
    x = source
    for layer in first:
        x = layer()(x)
    x = Positions(name="positions")(layers.Embedding(vocabulary, width, name="embedding")(x))
    for i in range(1, blocks + 1):
        attended = layers.MultiHeadAttention(2, width // 2, kernel_initializer=start(), name=f"attention_{i}")(x, x)
        x = x + attended
        x = layers.LayerNormalization(name=f"norm_{i}a")(x) if normalised else x
        wide = layers.Dense(2 * width, activation=activation, kernel_initializer=start(), name=f"wide_{i}", **dense)(x)
        for layer in between:
            wide = layer()(wide)
        x = x + layers.Dense(width, kernel_initializer=start(), name=f"narrow_{i}", **dense)(wide)
        x = layers.LayerNormalization(name=f"norm_{i}b")(x) if normalised else x
    x = layers.GlobalAveragePooling1D(name="mean")(x)
    for layer in before_head:
        x = layer()(x)
    return _headed(source, x, outputs, head, last, head_options, kind)


def residual(
    inputs: Sequence[int],
    outputs: int,
    head: str | None,
    width: int = 24,
    blocks: int = 10,
    normalised: bool = True,
    shared: bool = False,
) -> keras.Model:
    """Blocks x + relu(W x), dense or for images convolutional; `normalised` in front of each. shared: one W for all."""
    images = len(inputs) == 3

    def weights(name: str, **options: Any) -> layers.Layer:
        made = partial(layers.Conv2D, width, 3, padding="same") if images else partial(layers.Dense, width)
        return made(name=name, **options)

    source = keras.Input(tuple(inputs), name="features")
    x = weights("stem")(source)
    one = weights("block", activation="relu", kernel_initializer="he_normal") if shared else None
    for i in range(1, blocks + 1):
        normal = layers.LayerNormalization(name=f"norm_{i}")(x) if normalised else x
        x = x + (one or weights(f"block_{i}", activation="relu", kernel_initializer="he_normal"))(normal)
    x = layers.LayerNormalization(name="norm")(x) if normalised else x
    x = layers.GlobalAveragePooling2D(name="mean")(x) if images else x
    return _headed(source, x, outputs, head, (), None, keras.Model)


def _headed(source, x, outputs, head, last, head_options, kind) -> keras.Model:
    made = {name: value() if _is_factory(value) else value for name, value in (head_options or {}).items()}
    x = layers.Dense(outputs, activation=head, name="output", **made)(x)
    for layer in last:
        x = layer()(x)
    return kind(source, x)


def _is_factory(value: Any) -> bool:
    """A partial of an initializer, to be made anew for every layer, or a value as it is."""
    return callable(value) and not isinstance(value, type) and hasattr(value, "func")

"""What did the user write? A Keras model, its compile() and its fit() as a ModelCard."""

import json
import math
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import keras
import numpy as np

from tb_lossdiag.recording.activations import activation_name
from tb_lossdiag.recording.expectation import expectation
from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.loss_card import loss_card
from tb_lossdiag.recording.rates import those_that_step
from tb_lossdiag.recording.structure import LEAVES, structure_of
from tb_lossdiag.run import LayerCard, ModelCard

MAX_WEIGHTS = 1_000_000  # of one kernel; the statistics of a million weights are the kernel's, and take a millisecond
LAYER_SETTINGS = (
    "rate", "stddev", "dropout", "recurrent_dropout", "use_bias", "momentum", "epsilon", "return_sequences", "units",
    "filters", "kernel_size", "kernel_regularizer", "bias_regularizer", "recurrent_regularizer", "activity_regularizer",
    "kernel_constraint", "negative_slope", "input_dim", "output_dim", "mask_zero", "scale", "offset",
)  # fmt: skip


def model_card(
    model: keras.Model,
    optimizer: Any,
    layout: Layout,
    initial: Mapping[str, Mapping[str, Any]],
    batch_size: int | None,
    plan: Mapping[str, int | None],
    settings: Mapping[str, Any],
) -> ModelCard:
    """The card of a training whose first sampled step had this layout.

    initial: initial_weights, from before that step. plan: {"epochs": ..., "steps_per_epoch": ...}, None where unknown.
    settings: how it is recorded.
    """
    layers = structure_of(model).layers
    feeds, units = dict(layout.inputs), dict(layout.units)
    called = [path for path in feeds if path in layers]
    compiled = bool(getattr(model, "compiled", False))
    return ModelCard(
        framework=f"keras {keras.__version__}, {_backend()}",
        model=model.name,
        layers=tuple(
            _layer_card(path, layers[path], feeds.get(path, ()), units.get(path), initial.get(path, {}))
            for path in [*called, *(path for path in layers if path not in feeds)]
        ),
        rows=layout.rows,
        data_rows=layout.data_rows,
        optimizer=_optimizers_card(those_that_step(optimizer, layout.optimizers)),
        loss=loss_card(model, layout),
        metrics=_metric_names(model) if compiled else (),
        precision=model.dtype_policy.name,
        batch_size=batch_size,
        parameters=sum(math.prod(variable.shape) for variable in model.weights),
        trainable_parameters=sum(math.prod(variable.shape) for variable in model.trainable_variables),
        settings=_plain(
            {
                **settings,
                "jit_compile": getattr(model, "jit_compile", None) if compiled else None,
                "run_eagerly": model.run_eagerly if compiled else None,
                "steps_per_execution": model.steps_per_execution if compiled else None,
                "target_kind": "values" if layout.classes is None else "sparse_classes",
                "classes": layout.classes,
                "sample_weight": layout.weighted,
                "functional": bool(getattr(model, "inputs", None)),
                **_inputs(layout),
                **layout.loss_settings(),
                **_variable_dtype(model),
                **layout.facts,
            }
        ),
        **plan,
    )


def initial_weights(model: keras.Model) -> dict[str, dict[str, Any]]:
    """Layer path to the statistics of its kernel and bias, and of what it expects, as they are now; layers that are not
    built have none.
    """
    found = {}
    for path, layer in structure_of(model).layers.items():
        holder = layer
        while isinstance(holder, LEAVES):
            inner = [getattr(holder, name, None) for name in ("cell", "forward_layer", "layer")]
            holder = next(layer for layer in inner if layer is not None)
        found[path] = {**_kernel_facts(holder), **_bias_facts(holder), **expectation(holder)}
    return found


def _kernel_facts(layer: Any) -> dict[str, Any]:
    kernel = _values(layer, "kernel")
    if kernel is None or kernel.ndim < 2 or kernel.size == 0:
        return {}
    columns = kernel.reshape(-1, kernel.shape[-1])
    columns = columns[: max(1, MAX_WEIGHTS // columns.shape[1])]
    equal = bool(np.all(columns == columns[:, :1]))
    return {
        "kernel_mean": float(columns.mean()),
        "kernel_std": float(columns.std()),
        "kernel_max_abs": float(np.abs(columns).max()),
        "kernel_fan_in": kernel.shape[0]
        if isinstance(layer, keras.layers.EinsumDense)
        else math.prod(kernel.shape[:-1]),
        "kernel_identical_columns": equal and (columns.shape[1] > 1 or not columns.any()),
    }


def _bias_facts(layer: Any) -> dict[str, Any]:
    bias = _values(layer, "bias")
    if bias is None or bias.size == 0:
        return {}
    return {"bias_mean": float(bias.mean()), "bias_min": float(bias.min()), "bias_max": float(bias.max())}


def _values(layer: Any, name: str) -> np.ndarray | None:
    variable = getattr(layer, name, None) if getattr(layer, "built", False) else None
    if variable is None or all(variable is not weight for weight in layer.weights):
        return None
    return keras.ops.convert_to_numpy(variable).astype(np.float64)


def _layer_card(
    path: str, layer: keras.layers.Layer, inputs: tuple[str, ...], units: int | None, initial: Mapping[str, Any]
) -> LayerCard:
    try:
        config = layer.get_config()
    except NotImplementedError:  # a user's layer without one
        config = {}
    initializers = {
        name.removesuffix("_initializer"): {"name": value["class_name"], "config": value["config"]}
        for name, value in config.items()
        if name.endswith("_initializer") and isinstance(value, Mapping) and "class_name" in value
    }
    settings = {name: config[name] for name in LAYER_SETTINGS if config.get(name) is not None}
    return LayerCard(
        path=path,
        kind=type(layer).__name__,
        activation=activation_name(layer),
        initializers=_plain(initializers),
        inputs=inputs,
        units=units,
        parameters=layer.count_params() if layer.built else 0,
        trainable=bool(layer.trainable),
        settings=_plain({**settings, **_bases(layer), **initial}),
    )


def _bases(layer: keras.layers.Layer) -> dict[str, list[str]]:
    """Keras's layers that the layer's class was derived from; of a user's own Embedding that it is one."""
    layers = [kind for kind in type(layer).__mro__[1:] if issubclass(kind, keras.layers.Layer)]
    names = [
        kind.__name__ for kind in layers if kind is not keras.layers.Layer and kind.__module__.startswith("keras.")
    ]
    return {"bases": names} if names else {}


def _inputs(layout: Layout) -> dict[str, Any]:
    """Nothing where it is not known what they are."""
    known = {name: {"dtype": dtype, "shape": shape} for name, dtype, shape in layout.given}
    return {"inputs": known} if known else {}


def _backend() -> str:
    name = keras.backend.backend()
    return f"{name} {import_module(name).__version__}"


def _variable_dtype(model: keras.Model) -> dict[str, str]:
    """The number format of most of the trainable weights that are not kept in float32; nothing where all are."""
    sizes: dict[str, int] = {}
    for variable in model.trainable_variables:
        dtype = keras.backend.standardize_dtype(variable.dtype)
        sizes[dtype] = sizes.get(dtype, 0) + math.prod(variable.shape)
    sizes.pop("float32", None)
    return {"variable_dtype": max(sizes, key=sizes.get)} if sizes else {}


def _metric_names(model: keras.Model) -> tuple[str, ...]:
    found = [inner for metric in model.metrics for inner in getattr(metric, "metrics", [metric])]
    return tuple(metric.name for metric in found if metric.name != "loss")


def _optimizers_card(optimizers: Sequence[Any]) -> dict[str, Any]:
    """Of the first, and of the others under "others"."""
    if not optimizers:
        return {}
    first, *others = map(_optimizer_card, optimizers)
    return {**first, "others": others} if others else first


def _optimizer_card(optimizer: Any) -> dict[str, Any]:
    if optimizer is None:
        return {}
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return {**_optimizer_card(optimizer.inner_optimizer), "loss_scale": True}
    return {"name": type(optimizer).__name__, "config": _plain(optimizer.get_config())}


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The same with JSON types only; what JSON has no type for becomes its text."""
    return json.loads(json.dumps(value, default=lambda x: x.item() if isinstance(x, np.generic) else str(x)))

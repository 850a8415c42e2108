"""How is a training of the zoo put together, run and measured?

A fault is `sick(cause, BASE, twist, ...)` with one thing changed; a dict changes options of the model's or optimizer's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from benchmarks.zoo.data import Data
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome, Training
from tb_lossdiag import LossDiagnostics

INFERENCE_BATCH = 512
FACTORIES = ("model", "optimizer")


@dataclass(frozen=True)
class Recipe:
    """Everything a training is made of. What has a state (model, optimizer, callbacks, loss) is made anew by a factory.

    kind: the model's in a training's name. task: one of skill.TASKS. threshold: from where a prediction says yes, 0 for
    logits. policy: Keras's dtype policy. compile, fit: further arguments of these two. batches: makes the tf.Dataset
    for fit from the data and the batch size; None to give fit the arrays.
    """

    name: str
    kind: str
    task: str
    data: Callable[[], Data]
    model: Callable[[], keras.Model]
    loss: Any
    optimizer: Callable[[], keras.optimizers.Optimizer]
    metrics: tuple[str, ...] = ()
    epochs: int = 8
    batch_size: int = 32
    threshold: float = 0.5
    policy: str = "float32"
    compile: Mapping[str, Any] = field(default_factory=dict)
    fit: Mapping[str, Any] = field(default_factory=dict)
    callbacks: Callable[[], list] = list
    batches: Callable[[Data, int], Any] | None = None


def train(recipe: Recipe, log_dir: str, seed: int) -> Outcome:
    """Fits the recipe at this seed, recorded into log_dir."""
    data, model = started(recipe, seed)
    model.compile(recipe.optimizer(), recipe.loss, metrics=list(recipe.metrics), **recipe.compile)
    validation = None if data.x_val is None else (data.x_val, data.y_val)
    options = {"epochs": recipe.epochs, "validation_data": validation, "verbose": 0, **recipe.fit}
    options["callbacks"] = [*recipe.callbacks(), LossDiagnostics(log_dir)]
    if recipe.batches:
        history = model.fit(recipe.batches(data, recipe.batch_size), **options)
    else:
        history = model.fit(data.x, data.y, batch_size=recipe.batch_size, **options)
    return outcome(recipe, data, model, history.history["loss"][-1])


def started(recipe: Recipe, seed: int) -> tuple[Data, keras.Model]:
    """The data and the fresh model, before anything is compiled."""
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(recipe.policy)
    return recipe.data(), recipe.model()


def outcome(recipe: Recipe, data: Data, model: keras.Model, train_loss: float) -> Outcome:
    """What the training left, in inference mode."""
    with np.errstate(all="ignore"):
        predictions = predicted(model, data.x)
        loss = float(model.compute_loss(y=keras.ops.convert_to_tensor(data.y), y_pred=predictions, training=False))
        skills = [skill(recipe.task, data.y, predictions, recipe.threshold)]
        if data.x_val is not None:
            skills.append(skill(recipe.task, data.y_val, predicted(model, data.x_val), recipe.threshold))
    return Outcome(float(train_loss), loss, *skills)


def predicted(model: keras.Model, x: np.ndarray) -> Any:
    parts = [model(x[i : i + INFERENCE_BATCH], training=False) for i in range(0, len(x), INFERENCE_BATCH)]
    return keras.ops.concatenate(parts)


def changed(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with other values. A dict for a factory (model, optimizer) changes options of the recipe's own."""
    made = {
        name: partial(getattr(recipe, name), **change) if isinstance(change, dict) and name in FACTORIES else change
        for name, change in changes.items()
    }
    return replace(recipe, **made)


def healthy(recipe: Recipe, twist: str, **changes: Any) -> Training:
    """A healthy training, "healthy-<model>-<twist>"."""
    return Training(f"healthy-{recipe.kind}-{twist}", None, partial(train, changed(recipe, **changes)), (), recipe.name)


def sick(
    cause: str, base: Recipe, twist: str, also: tuple[str, ...] = (), run: Callable = train, **fault: Any
) -> Training:
    """The base with one fault, "<cause>-<model>-<twist>". run: what trains it, for a fault in the loop itself."""
    recipe = changed(base, **fault)
    return Training(f"{cause}-{recipe.kind}-{twist}", cause, partial(run, recipe), also, base.name)

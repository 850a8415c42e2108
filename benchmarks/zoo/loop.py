"""How does a recipe train in a loop of its own, without fit? The step is the training's, the loop the same for all."""

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from benchmarks.zoo.recipe import Recipe, outcome, started
from benchmarks.zoo.training import Outcome
from tb_lossdiag import TrainingMonitor

# step(model, optimizer, loss) -> a function of one batch that returns its loss
Step = Callable[[keras.Model, keras.optimizers.Optimizer, Callable], Callable[[Any, Any], Any]]


def loop(recipe: Recipe, log_dir: str, seed: int, step: Step) -> Outcome:
    """Runs the recipe's epochs through `step`, watched by a TrainingMonitor."""
    data, model = started(recipe, seed)
    optimizer, loss = recipe.optimizer(), keras.losses.get(recipe.loss)
    model.compile(loss=loss)  # for the evaluation alone
    monitor = TrainingMonitor(model, optimizer, log_dir)
    train_step = monitor.watch(tf.function(step(model, optimizer, lambda y, p: tf.reduce_mean(loss(y, p)))))
    batches = tf.data.Dataset.from_tensor_slices((data.x, data.y)).shuffle(len(data.x), seed=seed)
    losses = []
    with monitor:
        for _ in range(recipe.epochs):
            losses = [float(train_step(x, y)) for x, y in batches.batch(recipe.batch_size, drop_remainder=True)]
    return outcome(recipe, data, model, sum(losses) / len(losses))


def plain(model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: Callable) -> Callable[[Any, Any], Any]:
    """The step as it should be."""

    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss(y, model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    return step

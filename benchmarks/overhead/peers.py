"""What do others cost that write something about the same training? Keras's TensorBoard callback, and by hand.

Without XLA, which compiles no summaries.
"""

import os
import tempfile

import keras
import tensorflow as tf

from benchmarks.overhead.fits import Arm, compare
from benchmarks.overhead.models import SUBJECTS
from benchmarks.overhead.paired import Comparison
from benchmarks.overhead.steps import STRETCH, warm

EPOCH = 100  # steps: what is written once an epoch is the cheaper the longer it is
LONGEST = 4.0  # seconds of an epoch; where steps are slower it has fewer
PEERS = {
    'TensorBoard(update_freq="epoch")': {"update_freq": "epoch"},
    "TensorBoard(update_freq=1)": {"update_freq": 1},
    "TensorBoard(histogram_freq=1)": {"histogram_freq": 1},
}
BY_HAND = "scalar + histogram per gradient by hand"


def measure(name: str, seconds: float) -> dict[str, Comparison]:
    subject = SUBJECTS[name]
    model, data = subject.model(False), subject.data()
    warm(model, data)
    step = compare(model, data, Arm(5), 0.0).plain
    epoch = max(5, min(EPOCH, round(LONGEST / step)))
    found = {}
    for title, options in PEERS.items():
        with tempfile.TemporaryDirectory() as logs:
            found[title] = _tensorboard(model, data, keras.callbacks.TensorBoard(logs, **options), epoch, seconds)
    with tempfile.TemporaryDirectory() as logs:
        found[BY_HAND] = _by_hand(model, data, logs, max(1, round(STRETCH / step)), seconds)
    return found


def _tensorboard(
    model: keras.Model, data: tf.data.Dataset, board: keras.callbacks.TensorBoard, epoch: int, seconds: float
) -> Comparison:
    board.set_model(model)
    board.set_params({"epochs": None, "steps": epoch})
    board.on_train_begin()
    compare(model, data, Arm(1, (board,), whole_epoch=True), 0.0)  # it writes the graph with its first batch
    found = compare(model, data, Arm(epoch, (board,), whole_epoch=True), seconds)
    board.on_train_end()
    return found


def _by_hand(
    model: keras.Model, data: tf.data.Dataset, logs: str | os.PathLike, steps: int, seconds: float
) -> Comparison:
    plain, writer = model.train_function, tf.summary.create_file_writer(logs)

    def train_step(batch):
        x, y = batch
        with tf.GradientTape() as tape:
            y_pred = model(x, training=True)
            loss = model.compute_loss(x, y, y_pred, training=True)
        model._loss_tracker.update_state(loss, sample_weight=tf.shape(x)[0])
        variables = model.trainable_variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        with writer.as_default(step=tf.cast(model.optimizer.iterations.value, tf.int64)):
            for variable, gradient in zip(variables, gradients, strict=True):
                tf.summary.scalar(f"{variable.path}/norm", tf.norm(tf.convert_to_tensor(gradient)))
                tf.summary.histogram(variable.path, tf.convert_to_tensor(gradient))
        model.optimizer.apply(gradients, variables)
        return model.compute_metrics(x, y, y_pred)

    vars(model)["train_step"] = train_step
    model.make_train_function(force=True)
    writing, model.train_function = model.train_function, plain
    del vars(model)["train_step"]

    def enter() -> None:
        model.train_function = writing

    def leave() -> None:
        model.train_function = plain

    compare(model, data, Arm(1, (), enter, leave), 0.0)
    return compare(model, data, Arm(steps, (), enter, leave), seconds)

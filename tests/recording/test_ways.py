"""Every way that Keras trains: recorded it ends with the same bits, and what is recorded is what happened."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import same
from recording.support import published, table
from recording.trainings import BATCH, WAYS
from tb_lossdiag import LossDiagnostics, schema
from tb_lossdiag.recording.structure import structure_of

RECORDED = [way for way in WAYS if not way.fails]
FAILING = [way for way in WAYS if way.fails]


class Weights(keras.callbacks.Callback):
    """Keeps all weights before each step, and the trainable ones by path before and after."""

    def __init__(self):
        super().__init__()
        self.whole, self.before, self.after = [], [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.whole.append(self.model.get_weights())
        self.before.append(by_path(self.model))

    def on_train_batch_end(self, batch, logs=None):
        self.after.append(by_path(self.model))


def by_path(model):
    return {path: np.array(variable, np.float64) for path, variable in structure_of(model).variables.items()}


def trained(way, callbacks):
    """(model, its state after training: weights, optimizer's variables, history)."""
    keras.config.set_dtype_policy(way.policy)
    try:
        model = way.build()
        history = way.train(model, way.data(), callbacks).history
    finally:
        keras.config.set_dtype_policy("float32")
    state = [*model.get_weights(), *(np.array(variable) for variable in model.optimizer.variables)]
    return model, state, history


def gradient_norms(way, model, whole, step):
    """The batch loss, and by path the gradient norm, from a tape of our own and a model that stands where it began."""
    x, y = way.data()
    place = slice((step - 1) % 3 * BATCH, (step - 1) % 3 * BATCH + BATCH)
    x, y = keras.tree.map_structure(lambda part: part[place], (x, y))
    model(x)
    model.set_weights(whole)
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x, y, model(x, training=True))
    variables = structure_of(model).variables
    gradients = tape.gradient(loss, [variable.value for variable in variables.values()])
    return float(loss), {
        path: np.nan if gradient is None else np.linalg.norm(np.asarray(tf.convert_to_tensor(gradient), np.float64))
        for path, gradient in zip(variables, gradients, strict=True)
    }


@pytest.mark.parametrize("way", RECORDED, ids=lambda way: f"{way.group}: {way.name}")
@pytest.mark.filterwarnings("ignore::UserWarning:keras")
def test_it_trains_to_the_same_bits_and_records_what_happened(tmp_path, way):
    kept = Weights() if way.single else None
    _, bare, history = trained(way, [kept] if kept else [])
    _, recorded, recorded_history = trained(way, [LossDiagnostics(tmp_path, every=2)])
    assert same(bare, recorded)
    assert {**history, "learning_rate": 0} == {**recorded_history, "learning_rate": 0}
    records = Records(tmp_path)
    sampled, another = records.steps(schema.LAYERS), way.build() if way.exact and way.single else None
    assert sampled and not records.events("recording_stopped")
    names = [row.name for row in records.card.rows if row.kind == "variable"]
    for place, step in enumerate(sampled if way.single else []):
        before, after = kept.before[step - 1], kept.after[step - 1]
        if not before:  # a subclassed model has its weights after its first call
            continue
        assert set(names) == set(before)
        numbers = {
            name: [records.cell(name, column)[place] for column in ("weight_norm", "update_norm", "gradient_norm")]
            for name in names
        }
        for name in names:
            weight, update, _ = numbers[name]
            assert weight == pytest.approx(np.linalg.norm(before[name]), rel=1e-4)
            assert update == pytest.approx(np.linalg.norm(after[name] - before[name]), rel=1e-3, abs=1e-7)
        if way.exact:
            loss, gradients = gradient_norms(way, another, kept.whole[step - 1], step)
            assert records.column("loss")[step] == pytest.approx(loss, rel=1e-4)
            found = {name: numbers[name][2] for name in names}
            assert found == pytest.approx(gradients, rel=1e-3, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("way", FAILING, ids=lambda way: way.name)
def test_where_plain_keras_fails_it_fails_alike_with_us(tmp_path, way):
    for callbacks in ([], [LossDiagnostics(tmp_path)]):
        with pytest.raises(Exception, match=way.fails):
            trained(way, callbacks)


def test_the_readme_lists_these_ways():
    assert published() == table()

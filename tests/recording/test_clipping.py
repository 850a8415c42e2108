"""The clip factor against the optimizer's own clipping; a recorded fit that clips is, bit for bit, the bare one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.clipping import clip_factor
from tb_lossdiag.recording.statistics import norm

SETTINGS = [{"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.1}]


def whole(gradients):
    return np.sqrt(sum((np.asarray(tf.convert_to_tensor(g), np.float64) ** 2).sum() for g in gradients))


def factor(optimizer, gradients, scale=None):
    norms = tf.stack([norm(tf.reshape(tf.convert_to_tensor(g), [1, -1]))[0] for g in gradients])
    given = [g if scale is None else g * scale for g in gradients]
    variables = [tf.zeros(g.shape) for g in gradients]
    take = tf.function(lambda: clip_factor(optimizer, given, variables, norms, scale), jit_compile=True)
    return float(take())


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: next(iter(setting)))
@pytest.mark.parametrize("scale", [None, 1024.0])
def test_the_factor_is_what_the_optimizers_clipping_leaves(setting, scale):
    rng = np.random.default_rng(0)
    gradients = [tf.constant(rng.normal(size=shape) * size, tf.float32) for shape, size in (((3, 4), 1), ((5,), 0.01))]
    optimizer = keras.optimizers.SGD(**setting)
    expected = whole(optimizer._clip_gradients(gradients)) / whole(gradients)
    assert expected < 0.9
    assert factor(optimizer, gradients, scale) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: next(iter(setting)))
def test_a_sparse_gradient_is_clipped_by_its_stored_values(setting):
    values = tf.constant([[1.0, 2.0], [-1.0, -2.0], [0.05, 3.0]])
    sparse = tf.IndexedSlices(values, tf.constant([4, 4, 1]), tf.constant([6, 2]))
    optimizer = keras.optimizers.SGD(**setting)
    expected = whole(optimizer._clip_gradients([sparse, tf.ones([2])])) / whole([sparse, tf.ones([2])])
    assert factor(optimizer, [sparse, tf.ones([2])]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: next(iter(setting)))
def test_a_short_or_zero_gradient_keeps_its_length_and_a_broken_one_has_none(setting):
    optimizer = keras.optimizers.SGD(**setting)
    assert factor(optimizer, [tf.fill([3], 0.01), tf.zeros([2])]) == 1.0
    assert factor(optimizer, [tf.zeros([3])]) == 1.0
    assert np.isnan(factor(optimizer, [tf.constant([1.0, np.inf])]))
    assert np.isnan(factor(optimizer, [tf.constant([1.0, np.nan])]))


def fit(callbacks, optimizer, policy="float32"):
    keras.config.set_dtype_policy(policy)
    try:
        model = mlp()
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(*batches(), epochs=2, batch_size=8, verbose=0, callbacks=callbacks)
    finally:
        keras.config.set_dtype_policy("float32")
    return [*model.get_weights(), *(np.array(variable) for variable in model.optimizer.variables)]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: next(iter(setting)))
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "bfloat16"])
def test_a_recorded_fit_that_clips_has_the_same_weights_and_state(tmp_path, policy, setting):
    weights = fit([], keras.optimizers.Adam(0.01, **setting), policy)
    recorded = fit([LossDiagnostics(tmp_path, every=1)], keras.optimizers.Adam(0.01, **setting), policy)
    assert same(weights, recorded)
    factors = np.array(list(Records(tmp_path).column("clip_factor").values()))
    taken = (
        np.array(list(Records(tmp_path).column("gradient_nonfinite").values())) == 0
    )  # loss scaling skips the others
    assert taken.sum() > 2
    assert ((factors[taken] > 0) & (factors[taken] < 1)).all()


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: keras.optimizers.SGD(),
        lambda: keras.optimizers.SGD(clipnorm=0.1, gradient_accumulation_steps=2),
    ],
    ids=["no clipping", "accumulation"],
)
def test_there_is_no_factor_where_the_steps_gradient_is_not_clipped(tmp_path, optimizer):
    fit([LossDiagnostics(tmp_path, every=1)], optimizer())
    assert np.isnan(list(Records(tmp_path).column("clip_factor").values())).all()


def test_the_factor_is_of_unscaled_gradients_and_the_scale_is_the_one_of_the_step(tmp_path):
    inner = keras.optimizers.SGD(0.01, global_clipnorm=0.1)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=2)
    fit([LossDiagnostics(tmp_path, every=1)], optimizer)
    records = Records(tmp_path)
    assert list(records.column("loss_scale").values()) == [8, 8, 16, 16, 32, 32]
    norms = np.array(list(records.column("gradient_norm").values()))
    assert list(records.column("clip_factor").values()) == pytest.approx(0.1 / norms, rel=1e-4)

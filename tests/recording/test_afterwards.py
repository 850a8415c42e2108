"""What a compiled step is asked for once it is over: XLA compiles nothing of it, and every trace keeps its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp
from tb_lossdiag import LossDiagnostics, TrainingMonitor, schema
from tb_lossdiag.recording.afterwards import Afterwards
from tb_lossdiag.recording.apart import SCOPE
from tb_lossdiag.recording.observation import current_graph

# What reads a variable, a batch's place or a penalty; none is compiled to more than a copy or an addition.
READS = {"AddN", "Cast", "Const", "Identity", "ReadVariableOp", "Pack", "Placeholder", "Shape", "StridedSlice"}


def watched_by(after, compute):
    """A compiled step that doubles its argument, and what is computed of it, as the twin puts them together."""
    compiled = tf.function(lambda x: after.read(lambda: compute(2.0 * x)), jit_compile=True)
    return tf.function(lambda x: after.computed(compiled(x))), compiled


def test_what_is_computed_afterwards_is_not_compiled_with_the_step():
    twin, compiled = watched_by(Afterwards(), lambda x: {"sum": tf.reduce_sum(x)})
    x = tf.constant([1.0, 2.0])
    assert float(twin(x)["sum"]) == 6.0
    assert "reduce(" not in compiled.experimental_get_compiler_ir(x)(stage="hlo")


def test_each_trace_of_a_step_is_asked_for_its_own():
    twin, _ = watched_by(Afterwards(), lambda x: {"sum": tf.reduce_sum(x), "size": tf.constant(float(x.shape[0]))})
    for size in (2, 3, 2, 3):
        answer = twin(tf.ones([size]))
        assert (float(answer["sum"]), float(answer["size"])) == (2 * size, size)


def test_a_variable_is_read_after_the_step_has_changed_it():
    after, variable = Afterwards(), tf.Variable(1.0)

    @tf.function(jit_compile=True)
    def step():
        before = variable.read_value()
        variable.assign_add(2.0)
        return after.read(lambda: {"before": 1.0 * before, "after": variable.read_value()})

    for start in (1.0, 3.0):
        answer = tf.function(lambda: after.computed(step()))()
        assert (float(answer["before"]), float(answer["after"])) == (start, start + 2.0)


def test_of_the_recording_a_compiled_step_holds_what_has_to_be_read_in_it(tmp_path, monkeypatch):
    graphs, read = [], Afterwards.read
    monkeypatch.setattr(
        Afterwards, "read", lambda self, compute: (graphs.append(current_graph()), read(self, compute))[1]
    )
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(40_000, "relu", name="wide"), keras.layers.Dense(3, "softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=True)
    model.fit(*batches(96), batch_size=96, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    ours = {op.type for op in graphs[0].get_operations() if f"_{SCOPE}" in op.node_def.attr}
    counted = {"IsFinite", "LogicalNot", "Sum"}  # the NaN and Inf of the one output that is not returned whole
    assert ours - READS == counted
    assert "Relu" not in {output.op.type for output in graphs[0].outputs}
    assert Records(tmp_path).cell("wide", "activation_nonfinite") == 0


def test_a_step_of_changing_shapes_and_numbers_is_recorded_like_the_same_step_uncompiled(tmp_path):
    def losses(folder, **options):
        model, optimizer = mlp(), keras.optimizers.SGD(0.1)

        @tf.function(
            input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None], tf.int64), tf.TensorSpec([])], **options
        )
        def step(x, y, weight):
            with tf.GradientTape() as tape:
                loss = weight * tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x)))
                if weight > 0.5:  # for autograph to convert
                    loss = 2.0 * loss
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        x, y = batches(24)
        with TrainingMonitor(model, optimizer, folder, every=1) as monitor:
            watched = monitor.watch(step)
            for size, weight in ((8, 0.25), (24, 1.0), (8, 2.0), (16, 0.25)):
                watched(tf.constant(x[:size]), tf.constant(y[:size]), weight)
        return Records(folder)

    plain, compiled = losses(tmp_path / "plain"), losses(tmp_path / "compiled", jit_compile=True)
    assert compiled.steps(schema.LAYERS) == plain.steps(schema.LAYERS) == [1, 2, 3, 4]
    assert not compiled.events("recording_stopped")
    for tag in (schema.STEPS, schema.LAYERS, schema.DATA, schema.TARGETS):
        for (_, mine), (_, theirs) in zip(compiled.of(tag), plain.of(tag), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("where", ["read", "computed"])
def test_what_fails_of_it_ends_the_recording_and_not_the_training(tmp_path, monkeypatch, where):
    def fit(callbacks):
        model = mlp()
        model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=True)
        model.fit(*batches(), batch_size=8, shuffle=False, verbose=0, callbacks=callbacks)
        return model.get_weights()

    def broken(*_):
        raise RuntimeError("ours")

    weights = fit([])
    monkeypatch.setattr(Afterwards, where, broken)
    with pytest.warns(RuntimeWarning, match="RuntimeError: ours"):
        recorded = fit([LossDiagnostics(tmp_path)])
    assert all(np.array_equal(a, b) for a, b in zip(weights, recorded, strict=True))

"""A loss that is called again leaves the training as it is, and one that would not is not called again."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.loss_kinds import (
    EXAMPLES,
    KINDS,
    Balanced,
    Noisy,
    Perceptual,
    counting,
    kinds_and_ways,
    model_of,
    squares,
    values,
    vectors,
)
from recording.reading import Records
from recording.small_models import same
from tb_lossdiag import LossDiagnostics, TrainingMonitor
from tb_lossdiag.recording.effects import COUNTS, PRINTS
from tb_lossdiag.recording.references import CHANGES, DRAWS, FAILED, FAILS, NotCalledAgain, measured

WAYS = {
    "graph": {},
    "XLA": {"jit_compile": True},
    "eager": {"run_eagerly": True},
    "two steps a call": {"steps_per_execution": 2},
}


def fitted(make, targets, kind=KINDS["huber"], callbacks=(), compiled=None, **options):
    """(state, history) of a fit of 6 steps on this loss."""
    model = model_of(kind)
    model.compile("adam", make(), **(compiled or {}))
    given = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0, **options}
    history = model.fit(vectors(), targets, callbacks=list(callbacks), **given).history
    return [*model.get_weights(), *(np.array(variable) for variable in model.optimizer.variables)], history


def check_same(folder, *args, every=2, **options):
    """That a recorded fit ends as a bare one; what was recorded."""
    bare, history = fitted(*args, **options)
    recorded, recorded_history = fitted(*args, callbacks=[LossDiagnostics(folder, every=every)], **options)
    assert same(bare, recorded)
    assert history == recorded_history
    records = Records(folder)
    assert not records.events("recording_stopped") and not records.events("not_sampled")
    return records


@pytest.mark.parametrize(("name", "way"), kinds_and_ways(list(WAYS)))
def test_a_fit_ends_with_the_same_bits(tmp_path, name, way):
    kind = KINDS[name]
    records = check_same(tmp_path, kind.make, kind.targets(), kind, compiled=WAYS[way])
    assert np.isfinite(records.data("prediction:out", "loss_shuffled")).all()


@pytest.mark.parametrize("way", WAYS)
def test_with_sample_weights_it_does_too(tmp_path, way):
    weight = np.linspace(0.0, 2.0, EXAMPLES).astype("float32")
    check_same(tmp_path, KINDS["a class"].make, values(), compiled=WAYS[way], sample_weight=weight)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_in_mixed_precision_it_does_too(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        for name in ("classes", "a function", "triplets"):
            check_same(tmp_path / name, KINDS[name].make, KINDS[name].targets(), KINDS[name])
    finally:
        keras.config.set_dtype_policy("float32")


def noisy():
    return lambda y, p: squares(y, p + 0.1 * tf.random.normal(tf.shape(p), seed=5))


class FromGenerator(keras.losses.Loss):
    def __init__(self):
        super().__init__()
        self.generator = tf.random.Generator.from_seed(3)

    def call(self, y, p):
        return squares(y, p + 0.1 * self.generator.normal(tf.shape(p)))


def printing():
    def loss(y, p):
        tf.print(" ", end="")
        return squares(y, p)

    return loss


def drawing():
    return lambda y, p: squares(y, p) * (1.0 + random.random() + np.random.rand())


def asserting():
    def loss(y, p):
        tf.debugging.assert_less(tf.reduce_max(p), 1e6)
        return squares(y, p)

    return loss


UNSAFE = {
    "noise from a seed": (noisy, (DRAWS,)),
    "noise from a seed generator": (Noisy, (DRAWS,)),
    "noise from a generator of TensorFlow's": (FromGenerator, (DRAWS,)),
    "a variable": (lambda: Balanced(tf.Variable), (CHANGES,)),
    "a variable of Keras's": (lambda: Balanced(keras.Variable), (CHANGES,)),
    "a count": (counting, (COUNTS,)),
    "a print": (printing, (PRINTS,)),
    "python's random numbers": (drawing, (DRAWS,)),
    "an assertion": (asserting, (f"{FAILS} (Assert)",)),
}
# The changed attribute of a method is seen in the code, before any trace.
for name in ("a variable", "a variable of Keras's"):
    UNSAFE[name] = (UNSAFE[name][0], (CHANGES, COUNTS))


@pytest.mark.parametrize("way", ["graph", "eager"])
@pytest.mark.parametrize("name", UNSAFE)
def test_a_loss_with_an_effect_is_not_called_again_and_the_card_says_why(tmp_path, name, way):
    make, reasons = UNSAFE[name]
    random.seed(1)
    before = random.getstate()

    def made():
        random.setstate(before)
        return make()

    if name == "noise from a seed" and way != "graph":
        pytest.skip("plain Keras draws otherwise in each trace")
    if name == "a count" and way != "eager":
        # Each trace counts: what a step is traced for is another loss.
        fitted(made, values(), compiled=WAYS[way], callbacks=[LossDiagnostics(tmp_path, every=2)])
        records = Records(tmp_path)
    else:
        records = check_same(tmp_path, made, values(), compiled=WAYS[way])
    assert records.card.settings["not_measured"] in reasons
    assert np.isnan(records.data("prediction:out", "loss_shuffled")).all()
    assert np.isfinite(records.data("prediction:out", "loss")).all()


def test_a_count_is_what_it_is_without_us_where_steps_run_at_once(tmp_path):
    counts = []

    def loss(y, p):
        counts.append(1)
        return squares(y, p)

    for callbacks in ([], [LossDiagnostics(tmp_path, every=1)]):
        counts.clear()
        fitted(lambda: loss, values(), callbacks=callbacks, compiled={"run_eagerly": True})
        assert len(counts) == 6


def test_a_loss_that_fails_on_other_outputs_leaves_the_others_their_own():
    def fails(call):
        raise ValueError("not the model's") if call == "first" else NotCalledAgain("it counts")

    class Call(str):
        value = 1.0

    calls = [Call("first"), None, Call("second")]
    numbers, why = measured(calls, lambda call: 2.0, fails, "never called")
    assert numbers == [{"loss": 2.0}, {}, {"loss": 2.0}]
    assert why == f"{FAILED} (ValueError); it counts"
    assert measured([None], None, None, "never called") == ([{}], "never called")


def test_a_users_own_mistake_is_raised_as_without_us(tmp_path):
    y = np.array([0, 1, 2, 9] * 6)  # of three classes
    kind = KINDS["classes"]
    said = []
    for callbacks in ([], [LossDiagnostics(tmp_path, every=1)]):
        with pytest.raises(tf.errors.InvalidArgumentError) as failed:
            fitted(kind.make, y, kind, callbacks=callbacks)
        said.append("label value of 9" in str(failed.value))
    assert said == [True, True]
    assert not Records(tmp_path).events("recording_stopped")


@pytest.mark.parametrize("way", ["graph", "eager"])
@pytest.mark.parametrize("training", [False, True])
def test_a_loss_that_asks_another_model_is_called_again_where_that_stays_as_it_is(tmp_path, training, way):
    def make():
        keras.utils.set_random_seed(9)
        return Perceptual(training)

    records = check_same(tmp_path, make, values(), compiled=WAYS[way])
    assert records.card.settings.get("not_measured") == (CHANGES if training else None)
    assert np.isfinite(records.data("prediction:out", "loss_shuffled")).all() == (not training)


@pytest.mark.parametrize("wrap", [lambda step: step, tf.function, tf.function(jit_compile=True)])
@pytest.mark.parametrize("name", ["classes", "a class", "triplets"])
def test_a_loop_ends_with_the_same_bits(tmp_path, name, wrap):
    kind = KINDS[name]

    def trained(folder=None):
        model, optimizer, loss = model_of(kind), keras.optimizers.Adam(0.01), keras.losses.get(kind.make())
        x, y = tf.constant(vectors()), tf.constant(kind.targets())

        @wrap
        def step(x, y):
            with tf.GradientTape() as tape:
                value = tf.reduce_mean(loss(y, model(x, training=True)))
            optimizer.apply(tape.gradient(value, model.trainable_variables), model.trainable_variables)
            return value

        monitor = TrainingMonitor(model, optimizer, folder, every=2, loss=loss) if folder else None
        watched = monitor.watch(step) if folder else step
        losses = [float(watched(x, y)) for _ in range(5)]
        if folder:
            monitor.close()
        return [*model.get_weights(), np.array(losses)]

    assert same(trained(), trained(tmp_path))
    assert np.isfinite(Records(tmp_path).data("prediction:out", "loss_shuffled")).all()

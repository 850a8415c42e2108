"""Whichever private name a version lacks, a fit ends as it does without us, and is recorded or told about once."""

import warnings

import keras
import pytest
from private_names import FILES, names, without

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, TrainingMonitor, schema
from tb_lossdiag.recording.private import Gone, Private

GONE = {private.name: (private,) for private in names(*FILES["tensorflow"])}
ALL = {**GONE, "all of them": tuple(names(*FILES["tensorflow"]))}
STOPS = "tb_lossdiag stopped recording, the training goes on"


def fit(callbacks, **options):
    model = mlp()
    model.compile("adam", "sparse_categorical_crossentropy", **options)
    history = model.fit(*batches(), batch_size=8, epochs=2, verbose=0, callbacks=callbacks).history
    return model.get_weights(), history


@pytest.fixture(scope="module")
def bare():
    return fit([])


@pytest.mark.parametrize("name", ALL)
def test_a_fit_ends_as_without_us_and_is_recorded_or_told_about_once(name, tmp_path, bare):
    with warnings.catch_warnings(record=True) as told, without(ALL[name]):
        warnings.simplefilter("always")
        weights, history = fit([LossDiagnostics(tmp_path, every=2)])
    assert same(weights, bare[0])
    assert history == bare[1]
    said = [str(warning.message) for warning in told if "tb_lossdiag" in str(warning.message)]
    recorded = bool(Records(tmp_path).steps(schema.LAYERS))
    assert (len(said), recorded) in ((0, True), (1, False))
    assert all(text.startswith(STOPS) and f"has no {private_part(text)}" in text for text in said)


def private_part(text):
    return text.rpartition(" ")[2]


@pytest.mark.parametrize("name", ALL)
def test_a_loop_of_ones_own_goes_on(name, tmp_path):
    import tensorflow as tf

    def train(every, gone):
        model, optimizer = mlp(), keras.optimizers.Adam()
        optimizer.build(model.trainable_variables)
        x, y = batches()

        @tf.function
        def step(x, y):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x, training=True)))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            return loss

        if every is None:
            losses = [float(step(tf.constant(x), tf.constant(y))) for _ in range(4)]
            return model.get_weights(), losses
        with without(gone), TrainingMonitor(model, optimizer, tmp_path, every=every) as monitor:
            watched = monitor.watch(step)
            losses = [float(watched(tf.constant(x), tf.constant(y))) for _ in range(4)]
        return model.get_weights(), losses

    expected = train(None, ())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        weights, losses = train(2, ALL[name])
    assert same(weights, expected[0])
    assert losses == expected[1]
    said = [str(warning.message) for warning in told if "tb_lossdiag" in str(warning.message)]
    assert (len(said), bool(Records(tmp_path).steps(schema.LAYERS))) in ((0, True), (1, False))


def test_what_cannot_be_done_without_is_named_with_its_framework_and_version():
    wanted = Private("keras", "Layer._no_such_name", "none", "nothing is recorded")
    with pytest.raises(Gone, match=rf"keras {keras.__version__} has no Layer\._no_such_name"):
        wanted.of(object())
    with pytest.raises(Gone, match=r"has no keras\.no_such_module\._name"):
        Private("keras", "keras.no_such_module._name", "none", "nothing is recorded").imported()
    assert wanted.of(object(), 3) == 3

"""Fits that nobody plans for: they end with the bits and the exceptions that they end with without us, and only a wrong
argument of the constructor ever raises. What cannot be recorded is said in one warning.
"""

import shutil
import threading
import warnings
from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, diagnose, schema

X, Y = batches()
OPTIMIZERS = keras.optimizers


@dataclass
class Recorded:
    """A model, and where its fits are recorded; `callbacks` has a LossDiagnostics or, for the bare fits, none."""

    model: keras.Model
    callbacks: list
    directory: str

    def fit(self, *others, x=X, y=Y, **options):
        options = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0, **options}
        return self.model.fit(x, y, callbacks=[*self.callbacks, *others], **options)


def at_epoch_end(act):
    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: act(epoch))


def fails(*_, **__):
    raise KeyboardInterrupt


FAILING = keras.callbacks.LambdaCallback(on_train_batch_end=fails)


def compiled(optimizer="adam", **options):
    model = mlp()
    model.compile(optimizer, "sparse_categorical_crossentropy", **options)
    return model


def nested(r):
    r.fit(at_epoch_end(lambda epoch: compiled().fit(X, Y, verbose=0, callbacks=r.callbacks)))


def nested_and_failing(r):
    def inside(epoch):
        with pytest.raises(KeyboardInterrupt):
            compiled().fit(X, Y, verbose=0, callbacks=[*r.callbacks, FAILING])

    r.fit(at_epoch_end(inside))


def nested_in_itself(r):
    r.fit(at_epoch_end(lambda epoch: r.model.fit(X, Y, verbose=0, callbacks=r.callbacks)))


def beside_another(r):
    others = [LossDiagnostics(r.directory / "other")] if r.callbacks else []
    r.fit(*others)
    assert not (r.directory / "other").exists()


def twice_in_the_list(r):
    r.fit(*r.callbacks)


def interrupted_and_resumed(r):
    with pytest.raises(KeyboardInterrupt):
        r.fit(FAILING)
    r.fit()


def failing_before_it_began(r):
    with pytest.raises(KeyboardInterrupt):
        r.fit(keras.callbacks.LambdaCallback(on_train_begin=fails))
    r.fit()


def without_rows(r):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Your input ran out of data")
        r.fit(x=X[:0], y=Y[:0])
        r.fit()


def without_epochs(r):
    r.fit(epochs=0)
    r.fit()


def recompiled_inside(r):
    def compile_anew(epoch):
        r.model.compile("sgd", "sparse_categorical_crossentropy")
        r.model.make_train_function()

    r.fit(at_epoch_end(compile_anew))


def with_a_train_function_made_anew(r):
    r.fit(at_epoch_end(lambda epoch: r.model.make_train_function(force=True)))


def saved_and_evaluated_inside(r):
    def act(epoch):
        r.model.save(r.directory / "model.keras")
        r.model.evaluate(X, Y, verbose=0)
        r.model.predict(X, verbose=0)

    r.fit(at_epoch_end(act))
    assert same(keras.saving.load_model(r.directory / "model.keras").get_weights(), r.model.get_weights())


def set_back_and_trained_again(r):
    weights = r.model.get_weights()
    r.fit()
    r.model.set_weights(weights)
    r.model.optimizer.iterations.assign(0)
    r.fit()


def frozen_between_two_fits(r):
    r.fit()
    r.model.layers[0].trainable = False
    r.fit()


def of_two_models_with_one_callback(r):
    compiled("sgd").fit(X, Y, verbose=0, callbacks=r.callbacks)
    r.fit()


def in_a_thread(r):
    thread = threading.Thread(target=r.fit)
    thread.start()
    thread.join()


def with_its_directory_deleted_between_two_fits(r):
    r.fit()
    shutil.rmtree(r.directory / "run", ignore_errors=True)
    r.fit()


def in_many_short_fits(r):
    for _ in range(6):
        r.fit(epochs=1)


def in_a_loop_of_ones_own(r):
    told = keras.callbacks.CallbackList(list(r.callbacks), model=r.model, epochs=1, steps=3)
    told.on_train_begin()
    told.on_epoch_begin(0)
    for step in range(3):
        told.on_train_batch_begin(step)
        logs = r.model.train_on_batch(X[:8], Y[:8], return_dict=True)
        told.on_train_batch_end(step, logs)
    told.on_epoch_end(0, logs)
    told.on_train_end(logs)


FITS = (
    *(nested, nested_and_failing, nested_in_itself, beside_another, twice_in_the_list, interrupted_and_resumed),
    *(failing_before_it_began, without_rows, without_epochs, recompiled_inside, with_a_train_function_made_anew),
    *(saved_and_evaluated_inside, set_back_and_trained_again, frozen_between_two_fits, in_a_thread),
    *(of_two_models_with_one_callback, with_its_directory_deleted_between_two_fits, in_many_short_fits),
    in_a_loop_of_ones_own,
)
TOLD = {
    nested: "a fit inside of one that the same LossDiagnostics records",
    nested_and_failing: "a fit inside of one that the same LossDiagnostics records",
    nested_in_itself: "a fit inside of one that the same LossDiagnostics records",
    beside_another: "recorded into .* by another LossDiagnostics",
}


def state(model):
    return [*model.get_weights(), *(keras.ops.convert_to_numpy(variable) for variable in model.optimizer.variables)]


def trained(how, directory, recorded, model=compiled):
    """(the state after training, what we warned of)"""
    directory.mkdir()
    callbacks = [LossDiagnostics(directory / "run")] if recorded else []
    one = Recorded(model(), callbacks, directory)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        how(one)
    return state(one.model), [str(warning.message) for warning in caught if "tb_lossdiag" in str(warning.message)]


@pytest.mark.parametrize("how", FITS, ids=lambda how: how.__name__)
def test_an_odd_fit_is_what_it_was(tmp_path, how):
    bare, _ = trained(how, tmp_path / "bare", recorded=False)
    recorded, told = trained(how, tmp_path / "recorded", recorded=True)
    assert same(bare, recorded)
    assert len(told) == (how in TOLD)
    if how in TOLD:
        assert tf.strings.regex_full_match(told[0], f".*{TOLD[how]}.*")
    records = Records(tmp_path / "recorded" / "run")
    assert not records.events("recording_stopped")
    assert records.steps(schema.LAYERS)
    (report,) = diagnose(tmp_path / "recorded" / "run").values()
    assert report.notes == ()


@pytest.mark.parametrize(
    "optimizer",
    ["Adadelta", "Adafactor", "Adamax", "Ftrl", "Lamb", "Lion", "Muon", "Nadam", "ScheduleFreeAdamW", "MultiOptimizer"],
)
@pytest.mark.parametrize("how", [Recorded.fit, in_many_short_fits], ids=["one fit", "many fits"])
def test_every_optimizer_of_keras_is_recorded(tmp_path, optimizer, how):
    if not hasattr(OPTIMIZERS, optimizer):
        pytest.skip(f"Keras {keras.__version__} has no {optimizer}")

    def model():
        return compiled(two_optimizers() if optimizer == "MultiOptimizer" else getattr(OPTIMIZERS, optimizer)())

    bare, _ = trained(how, tmp_path / "bare", recorded=False, model=model)
    recorded, told = trained(how, tmp_path / "recorded", recorded=True, model=model)
    assert same(bare, recorded) and told == []
    assert (Records(tmp_path / "recorded" / "run").cell("hidden/kernel", "update_norm") > 0.0).all()


def two_optimizers():
    others = {".*out/.*": OPTIMIZERS.SGD(0.5, name="other")}
    of = OPTIMIZERS.OptimizerMap(OPTIMIZERS.Adam(0.01, name="most"), others)
    return OPTIMIZERS.MultiOptimizer(of)


@pytest.mark.skipif(not hasattr(OPTIMIZERS, "MultiOptimizer"), reason="this Keras has no MultiOptimizer")
def test_each_of_several_optimizers_has_its_learning_rate(tmp_path):
    model = compiled(two_optimizers())
    model.fit(X, Y, batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path)])
    records = Records(tmp_path)
    rates = {row.name: records.data(row.name, "mean") for row in records.card.data_rows if row.kind == "rate"}
    assert {name: set(values.tolist()) for name, values in rates.items()} == {
        "rate:other": {np.float32(0.5)},
        "rate:most": {np.float32(0.01)},
    }
    assert list(records.column("learning_rate").values()) == [np.float32(0.01)] * 3  # it has most of the weights


def test_hooks_without_a_beginning_record_nothing_and_say_so(tmp_path):
    model = compiled()
    told = keras.callbacks.CallbackList([LossDiagnostics(tmp_path / "run")], model=model, epochs=1, steps=1)
    with pytest.warns(RuntimeWarning, match="on_train_begin was not called"):
        told.on_epoch_begin(0)
        told.on_train_batch_begin(0)
        told.on_epoch_end(0, {"loss": 1.0})


def test_hooks_without_a_model_record_nothing_and_say_so(tmp_path):
    callback = LossDiagnostics(tmp_path / "run")
    with pytest.warns(RuntimeWarning, match="before set_model"):
        callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_batch_begin(0)
    callback.on_epoch_end(0, {})
    callback.on_train_end()


def test_a_loop_by_hand_goes_on_behind_the_first_samples(tmp_path):
    model = compiled()
    told = keras.callbacks.CallbackList([LossDiagnostics(tmp_path)], model=model, epochs=1, steps=30)
    told.on_train_begin()
    told.on_epoch_begin(0)
    for step in range(30):
        told.on_train_batch_begin(step)
        told.on_train_batch_end(step, model.train_on_batch(X[:8], Y[:8], return_dict=True))
    told.on_train_end()
    assert len(Records(tmp_path).steps(schema.STEPS)) >= 29


def test_a_directory_that_is_deleted_meanwhile_is_one_warning(tmp_path):
    with pytest.warns(RuntimeWarning, match="no longer there"):
        compiled().fit(
            X,
            Y,
            batch_size=8,
            epochs=3,
            verbose=0,
            callbacks=[LossDiagnostics(tmp_path / "run"), at_epoch_end(lambda epoch: delete(tmp_path / "run"))],
        )


def delete(directory):
    shutil.rmtree(directory, ignore_errors=True)


def test_a_loop_that_takes_its_steps_elsewhere_is_told(tmp_path):
    model = compiled()
    told = keras.callbacks.CallbackList([LossDiagnostics(tmp_path / "run")], model=model, epochs=1, steps=1)
    told.on_train_begin()
    told.on_epoch_begin(0)
    told.on_train_batch_begin(0)
    told.on_epoch_end(0, {"loss": 1.0})
    with pytest.warns(RuntimeWarning, match=r"did not call model.train_function"):
        told.on_train_end()

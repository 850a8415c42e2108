"""Whatever happens to log or process, the training goes on or dies as it would have, and what was written reads."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest

from recording.reading import Records
from recording.small_models import batches, mlp, same
from tb_lossdiag import LossDiagnostics, diagnose, schema

SCRIPT = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras, numpy as np, resource, warnings
from tb_lossdiag import LossDiagnostics
sys.path.insert(0, {tests!r})
from recording.small_models import batches, mlp
model = mlp()
model.compile("sgd", "sparse_categorical_crossentropy")
{before}
model.fit(*batches(), batch_size=8, epochs={epochs}, verbose=0, callbacks={callbacks})
np.savez({weights!r}, *model.get_weights())
"""


def script(tmp_path, callbacks, before="", epochs=20):
    """The arguments of a process that trains and leaves its weights."""
    tests = os.path.dirname(os.path.dirname(__file__))
    weights = str(tmp_path / "weights.npz")
    code = SCRIPT.format(tests=tests, before=before, callbacks=callbacks, weights=weights, epochs=epochs)
    return [sys.executable, "-c", textwrap.dedent(code)]


def trained(tmp_path, callbacks, before=""):
    """(weights, standard error) of a process that trains."""
    done = subprocess.run(script(tmp_path, callbacks, before), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "weights.npz") as arrays:
        return list(arrays.values()), done.stderr


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("bare"), "[]")[0]


def test_a_full_disk_is_one_warning_and_the_training_goes_on(tmp_path, bare):
    # A file that may grow no further fails its writes as a full disk does.
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, ({}, resource.RLIM_INFINITY))"
    before = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); " + limit.format(12_000)
    free = f"keras.callbacks.LambdaCallback(on_train_end=lambda logs: {limit.format('resource.RLIM_INFINITY')})"
    after = f"[LossDiagnostics({str(tmp_path / 'log')!r}, every=1), {free}]"
    weights, said = trained(tmp_path, after, before)
    assert same(weights, bare)
    assert said.count("tb_lossdiag stopped recording, the training goes on") == 1
    assert Records(tmp_path / "log").steps(schema.LAYERS)[:2] == [1, 2]


def test_a_log_directory_that_goes_away_is_one_warning_and_the_training_goes_on(tmp_path):
    class Remove(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            shutil.rmtree(tmp_path / "log", ignore_errors=True)

    def fit(callbacks):
        model = mlp()
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(*batches(), batch_size=8, epochs=3, verbose=0, callbacks=callbacks)
        return model.get_weights()

    with pytest.warns(RuntimeWarning, match="is no longer there") as told:
        recorded = fit([LossDiagnostics(tmp_path / "log", every=1), Remove()])
    assert sum("tb_lossdiag" in str(warning.message) for warning in told) == 1
    assert same(fit([]), recorded)


def test_a_killed_process_leaves_a_log_that_reads(tmp_path):
    callbacks = f"[LossDiagnostics({str(tmp_path / 'log')!r}, every=1)]"
    process = subprocess.Popen(script(tmp_path, callbacks, epochs=100_000), stderr=subprocess.DEVNULL)
    try:
        deadline = time.time() + 60
        while time.time() < deadline and len(list((tmp_path / "log").rglob("*tfevents*"))) == 0:
            time.sleep(0.1)
        written = next((tmp_path / "log").rglob("*tfevents*"))
        while time.time() < deadline and written.stat().st_size < 200_000:
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL
    (report,) = diagnose(tmp_path / "log").values()
    assert dict(report.facts)["last_step"] > 20
    assert not (tmp_path / "weights.npz").exists()


def test_an_interrupted_fit_leaves_nothing_of_ours_and_a_log_that_reads(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    model = mlp()
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(KeyboardInterrupt):
        model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path), Interrupt()])
    assert not {"train_step", "compute_loss", "call"} & set(vars(model))
    assert all("call" not in vars(layer) for layer in model.layers)
    assert Records(tmp_path).steps(schema.LAYERS) == [1, 2]


def test_memory_that_runs_out_in_our_code_ends_the_recording_only(tmp_path, monkeypatch):
    def exhausted(*_):
        raise MemoryError("no more")

    def fit(callbacks):
        model = mlp()
        model.compile("sgd", "sparse_categorical_crossentropy")
        model.fit(*batches(), batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
        return model.get_weights()

    weights = fit([])
    monkeypatch.setattr("tb_lossdiag.recording.writer.DiagnosticsWriter.write_layers", exhausted)
    with pytest.warns(RuntimeWarning, match="MemoryError: no more"):
        assert same(weights, fit([LossDiagnostics(tmp_path)]))


def test_a_recorded_model_can_be_saved_loaded_and_pickled(tmp_path):
    model = mlp()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path / "log")])
    model.save(tmp_path / "model.keras")
    for again in (keras.models.load_model(tmp_path / "model.keras"), pickle.loads(pickle.dumps(model))):
        assert same(model.get_weights(), again.get_weights())
        again.fit(*batches(), batch_size=8, verbose=0)

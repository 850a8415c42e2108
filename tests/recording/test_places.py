"""Recording with Keras takes a URL, a home directory and a relative path, and refuses what nobody can write at once."""

import os

import fsspec
import keras
import numpy as np
import pytest

from tb_lossdiag import LossDiagnostics, TrainingMonitor, diagnose
from tb_lossdiag.logs.provider import open_log


def model():
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(1e6), "mse")
    return made


def monitor(log_dir):
    made = model()
    return TrainingMonitor(made, made.optimizer, log_dir)


WAYS = {"callback": LossDiagnostics, "monitor": monitor}
X = np.random.default_rng(0).normal(size=(64, 4)).astype("f4")
DATA = X, X[:, :1]


@pytest.fixture
def memory():
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield "memory://logs"
    files.store.clear()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", ["nowhere://run", "https://host/run", "gs:/bucket/run", "file://run"])
def test_a_url_that_cannot_be_written_is_refused_at_construction(tmp_path, monkeypatch, way, url):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"log_dir='{url}'"):
        WAYS[way](url)
    assert list(tmp_path.iterdir()) == []


def test_a_custom_loop_is_recorded_behind_a_url(memory):
    with monitor(f"{memory}/run1"):
        pass
    assert fsspec.filesystem("memory").ls("logs/run1/diagnostics")


def test_a_fit_is_recorded_behind_a_url_and_found_there_while_it_runs(memory):
    found = []
    callback = LossDiagnostics(f"{memory}/run1", on_finding=lambda cause, report: found.append(cause.id))
    model().fit(*DATA, epochs=20, batch_size=4, verbose=0, callbacks=[callback])
    assert list(diagnose(memory)) == ["run1"]
    assert found


def test_a_fit_that_changes_the_directory_is_recorded_where_it_began_and_findings_are_told(tmp_path, monkeypatch):
    class ChangesDirectory(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            os.chdir(tmp_path / "elsewhere")

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    found = []
    callback = LossDiagnostics("run", on_finding=lambda cause, report: found.append(cause.id))
    model().fit(*DATA, epochs=20, batch_size=4, verbose=0, callbacks=[callback, ChangesDirectory()])
    assert found
    assert os.listdir(tmp_path / "elsewhere") == []
    assert len(open_log(tmp_path / "run").recorded_tags()) == 1


def test_a_home_directory_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    callback = LossDiagnostics("~/run")
    model().fit(*DATA, verbose=0, callbacks=[callback])
    assert os.listdir(tmp_path) == ["run"]

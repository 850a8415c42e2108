"""How does the cost of a sample grow with the model? Its bytes, the writer's time, memory, and the sampled step."""

import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from benchmarks.overhead.fits import compare
from benchmarks.overhead.models import SUBJECTS, deep
from benchmarks.overhead.recorded import recording
from benchmarks.overhead.steps import STRETCH, warm, warm_up
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard, Row
from tb_lossdiag.schema import DATA_COLUMNS, LAYER_COLUMNS, TARGET_COLUMNS

SAMPLES = 300
EXAMPLES = 8  # few, for what grows is the recording's share
MEMORY_STEPS = 30


@dataclass(frozen=True)
class Written:
    """Of one sampled step."""

    size: float
    seconds: float


@dataclass(frozen=True)
class Grown:
    """extra: wall seconds that a sampled step takes longer. trace, first: seconds of the plain function's first call
    and of the twin's.
    """

    rows: int
    plain: float
    extra: float
    trace: float
    first: float


def written(rows: int) -> Written:
    """Median of some hundred samples, each flushed; three data rows and ten classes beside the layer table."""
    card = ModelCard(
        rows=tuple(Row(f"layer{i}", "output", f"layer{i}") for i in range(rows)),
        data_rows=tuple(Row(f"{kind}:{kind}", kind) for kind in ("input", "target", "prediction")),
    )
    layer, data, target = (
        {name: np.ones(n, np.float32) for name in names}
        for names, n in ((LAYER_COLUMNS, rows), (DATA_COLUMNS, 3), (TARGET_COLUMNS, 10))
    )
    with tempfile.TemporaryDirectory() as logs, DiagnosticsWriter(logs, card) as writer:
        sizes, seconds = [], []
        for step in range(1, SAMPLES + 1):
            began = time.perf_counter()
            writer.write_layers(step, layer)
            writer.write_data(step, data)
            writer.write_targets(step, target)
            writer.write_step(step, loss=1.0)
            writer.flush()
            seconds.append(time.perf_counter() - began)
            sizes.append(sum(path.stat().st_size for path in Path(logs).rglob("events*")))
        return Written(float(np.median(np.diff(sizes))), float(np.median(seconds)))


def by_layers(count: int, seconds: float) -> Grown:
    sys.setrecursionlimit(20 * count + 1000)  # Keras walks from layer to layer
    return _grown(deep(count, width=16), 16, seconds)


def by_elements(count: int, seconds: float) -> Grown:
    width = round(count**0.5)
    model = keras.Sequential([keras.Input((width,)), layers.Dense(width, use_bias=False), layers.Dense(10)])
    return _grown(model, width, seconds)


def peak_memory(name: str, every: int | None) -> int:
    """Bytes, of a process of its own that trains for some steps; every: None for a plain fit."""
    with tempfile.TemporaryDirectory() as logs:
        ours = [] if every is None else [LossDiagnostics(logs, every=every)]
        if name in SUBJECTS:
            model, data = SUBJECTS[name].model(False), SUBJECTS[name].data()
        else:
            model, data = _wide(), SUBJECTS["mlp"].data()
        model.fit(data, epochs=1, steps_per_epoch=MEMORY_STEPS, verbose=0, callbacks=ours)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _wide() -> keras.Model:
    hidden = [layers.Dense(4096, activation="relu") for _ in range(3)]
    model = keras.Sequential([keras.Input((128,)), *hidden, layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _grown(model: keras.Model, width: int, seconds: float) -> Grown:
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    x = np.random.default_rng(0).normal(size=(EXAMPLES, width)).astype("float32")
    data = tf.data.Dataset.from_tensors((x, np.arange(EXAMPLES))).cache().repeat()
    began = time.perf_counter()
    warm(model, data)
    trace = time.perf_counter() - began
    with tempfile.TemporaryDirectory() as logs, recording(model, logs) as ours:
        began = time.perf_counter()
        step = warm_up(ours, data)
        first = time.perf_counter() - began
        found = compare(model, data, ours.arm(1, max(1, round(STRETCH / step))), seconds)
        rows = len(ours.recorder._layout.rows)
    return Grown(rows, found.plain, found.plain * (found.wall.median - 1), trace, first)

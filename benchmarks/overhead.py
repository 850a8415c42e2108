"""What does recording at every="auto" cost a running fit? Segments of one fit with and without it, in turn.

.venv/bin/python -m benchmarks.overhead

The start of a training, where the burst and the tracing of the twin lie, is left out: this is the price of going on.
"""

import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import keras
import numpy as np

from tb_lossdiag import LossDiagnostics

SEGMENT = 400
SEGMENTS = 60
WARM_UP = 2
BATCH = 64


class Turns(keras.callbacks.Callback):
    """Switches recording off and on from segment to segment and times each: seconds[recording] = [(cpu, wall), ...]."""

    def __init__(self, recording: LossDiagnostics) -> None:
        super().__init__()
        self.recording = recording
        self.seconds = {True: [], False: []}
        self.began = None

    def on_train_batch_begin(self, batch, logs=None):
        if batch % SEGMENT or batch < WARM_UP * SEGMENT:
            return
        recorder = self.recording._recorder
        if self.began is not None:
            cpu, wall = self.began
            self.seconds[recorder.active].append((time.process_time() - cpu, time.perf_counter() - wall))
        recorder.active = not recorder.active
        self.began = time.process_time(), time.perf_counter()


def mlp() -> keras.Model:
    hidden = [keras.layers.Dense(units, activation="relu") for units in (512, 256, 128)]
    return keras.Sequential([keras.Input((128,)), *hidden, keras.layers.Dense(10, activation="softmax")])


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH * SEGMENT * (SEGMENTS + WARM_UP), 128)).astype("float32")
    y = rng.integers(0, 10, len(x))
    model = mlp()
    model.compile("adam", "sparse_categorical_crossentropy")
    with tempfile.TemporaryDirectory() as logs:
        recording = LossDiagnostics(logs)
        turns = Turns(recording)
        model.fit(x, y, batch_size=BATCH, verbose=0, callbacks=[turns, recording])
    pairs = min(map(len, turns.seconds.values()))
    plain, recorded = (np.array(turns.seconds[on][:pairs]) for on in (False, True))
    print(f"MLP, {model.count_params():,} parameters, batch {BATCH}, {pairs} pairs of {SEGMENT} steps")
    for i, clock in enumerate(("cpu", "wall")):
        ratio = recorded[:, i] / plain[:, i]
        low, high = np.percentile(ratio, [25, 75])
        step = np.median(plain[:, i]) / SEGMENT * 1e3
        print(f"{clock:4s}  plain step {step:.2f} ms   ratio {np.median(ratio):.3f}   quartiles {low:.3f} … {high:.3f}")


if __name__ == "__main__":
    main()

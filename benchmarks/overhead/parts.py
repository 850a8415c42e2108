"""Where does the time of a sampled step go? Parts of it are left out one after the other.

What is left out is patched away while the twin is traced; the names are those of tb_lossdiag.recording.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import tensorflow as tf

from benchmarks.overhead.fits import compare
from benchmarks.overhead.models import SUBJECTS
from benchmarks.overhead.paired import Comparison
from benchmarks.overhead.recorded import Recording, recording
from benchmarks.overhead.steps import STRETCH, warm, warm_up
from tb_lossdiag.recording import packing, statistics
from tb_lossdiag.recording.layout import OUTPUT_COLUMNS, VARIABLE_COLUMNS
from tb_lossdiag.recording.stack import Stack
from tb_lossdiag.schema import BUCKETS

PARTS = ("all", "write", "data", "agreement", "histograms", "activations", "variables", "stacking")


def measure(name: str, jit_compile: bool, seconds: float) -> dict[str, Comparison]:
    """Every step sampled, without the parts up to and including the named one; "all" leaves nothing out."""
    subject = SUBJECTS[name]
    model, data = subject.model(jit_compile), subject.data()
    warm(model, data)
    found = {}
    for last in PARTS:
        without = PARTS[1 : PARTS.index(last) + 1]
        with tempfile.TemporaryDirectory() as logs, recording(model, logs) as ours, left_out(ours, without):
            step = warm_up(ours, data)
            found[last] = compare(model, data, ours.arm(1, max(1, round(STRETCH / step))), seconds)
    return found


@contextmanager
def left_out(ours: Recording, parts: tuple[str, ...]) -> Iterator[None]:
    with ExitStack() as stack:
        for part in parts:
            for owner, attribute, instead in _patches(ours)[part]:
                stack.enter_context(patch.object(owner, attribute, instead))
        yield


def _patches(ours: Recording) -> dict[str, tuple]:
    recorder = ours.recorder

    def unwritten(layout, numbers, reported):
        recorder._layout = layout
        recorder.step += 1
        return reported

    return {
        "write": ((recorder, "record_sample", unwritten),),
        "data": (
            (statistics, "data_statistics", lambda *_: {}),
            (statistics, "target_statistics", lambda *_: tf.zeros([0, 3])),
            (packing, "_prediction_numbers", lambda *_: {}),
        ),
        "agreement": ((packing, "gradient_agreement", lambda *_: None),),
        "histograms": ((ours.recorder, "counts", lambda: False),),
        "activations": ((packing, "output_statistics", _no_outputs),),
        "variables": (
            (packing, "clip_factor", lambda *_: None),
            (packing, "variable_statistics", _no_variables),
        ),
        # With it goes what only the matrices read: the weights before the step, which the update has to leave in place.
        "stacking": (
            (packing, "stacked", lambda outputs: _empty(len(outputs))),
            (packing, "stacked_variables", lambda before, *_: _empty(len(before))),
            (packing, "histograms", _no_histograms),
        ),
    }


def _no_outputs(stack):
    rows = _rows(stack)
    return tf.zeros([rows, len(OUTPUT_COLUMNS)]), [None] * rows


def _no_variables(stack):
    return {name: tf.zeros([_rows(stack)]) for name in VARIABLE_COLUMNS}


def _no_histograms(variables, kept, outputs, on):
    return tf.fill([2 * len(kept) + _rows(outputs), BUCKETS], float("nan"))


def _empty(tensors):
    return Stack((), (tuple(range(tensors)),))


def _rows(stack):
    return sum(map(len, stack.members))

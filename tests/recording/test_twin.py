"""The twin: what fails in it through us ends the recording, and it is traced once."""

import pytest
import tensorflow as tf

from recording.small_models import batches, mlp
from tb_lossdiag import LossDiagnostics
from tb_lossdiag.recording.packer import Packer
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.twin import run_twin


class Recorder:
    """What run_twin needs of one."""

    def stop(self, error):
        self.stopped = error


def test_a_failing_kernel_of_ours_stops_the_recording_and_a_users_op_does_not():
    recorder = Recorder()
    ours = tf.errors.InvalidArgumentError(None, None, "{{node lossdiag/Sum}} is broken")
    theirs = tf.errors.InvalidArgumentError(None, None, "{{node dense/MatMul}} is broken")

    packer = Packer(None, Selection())

    def twin(error):
        raise error

    assert run_twin(twin, packer, recorder, ours) is None
    assert recorder.stopped is ours
    with pytest.raises(tf.errors.InvalidArgumentError, match="dense/MatMul"):
        run_twin(twin, packer, recorder, theirs)


def test_the_optimizers_variables_are_made_before_the_twin_so_that_one_trace_is_enough(tmp_path, monkeypatch):
    traces = []
    numbers = Packer.numbers
    monkeypatch.setattr(Packer, "numbers", lambda *args, **options: (traces.append(1), numbers(*args, **options))[1])
    model = mlp()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(*batches(), batch_size=8, verbose=0, callbacks=[LossDiagnostics(tmp_path, every=1)])
    assert len(traces) == 1

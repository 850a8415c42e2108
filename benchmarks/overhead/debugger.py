"""What does TensorFlow's Debugger V2 cost? It is on for a whole process, so this is to be asked in one of its own.

Plain stretches come first, those under it afterwards: switched off and on again it crashes the process (TF 2.21).
"""

import tempfile
import time

import tensorflow as tf

from benchmarks.overhead.models import SUBJECTS
from benchmarks.overhead.paired import Comparison, Seconds, compared
from benchmarks.overhead.steps import STRETCH

MODE = "CURT_HEALTH"
STRETCHES = 40
WARM_UP = 5


def measure(name: str) -> Comparison:
    subject, data = SUBJECTS[name], SUBJECTS[name].data()

    def stretches(steps: int) -> list[Seconds]:
        """Of a model traced now: what is watched is settled then."""
        model = subject.model(False)
        model.fit(data, epochs=1, steps_per_epoch=WARM_UP, verbose=0)
        function, iterator, taken = model.train_function, iter(data), []
        for _ in range(STRETCHES):
            began = time.process_time(), time.perf_counter()
            for _ in range(steps):
                float(function(iterator)["loss"])
            taken.append(Seconds(time.process_time() - began[0], time.perf_counter() - began[1]))
        return taken

    steps = max(1, round(STRETCH / min(one.wall for one in stretches(1))))
    with tempfile.TemporaryDirectory() as logs:
        plain = stretches(steps)
        tf.debugging.experimental.enable_dump_debug_info(logs, tensor_debug_mode=MODE)
        watched = stretches(steps)
        return compared(steps, plain, watched)

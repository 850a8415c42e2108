"""What did a plain step report, when the device is still computing it? Losses that are read later than their step."""

from collections import deque
from collections.abc import Callable
from typing import Any

from tb_lossdiag.recording.running_mean import BatchLoss

TIMED_STEPS = 9  # plain steps that are waited for, so that the cadence knows what a step costs; then none is


def is_awaited(loss: Any) -> bool:
    """Whether reading this tensor may mean to wait for a device, which queues steps up while the host goes on."""
    device = getattr(loss, "device", None)
    return isinstance(device, str) and "device:" in device and "device:CPU" not in device


class LateLosses:
    """Batch losses behind the means that Keras reports, as BatchLoss recovers them, but only once they are asked for.

    count: steps since the epoch began.
    """

    def __init__(self) -> None:
        self.count = 0
        self._batch_loss = BatchLoss()
        self._unread: deque[Callable[[], None]] = deque()

    def start_epoch(self) -> None:
        self.count = 0
        self._unread.append(self._batch_loss.start_epoch)

    def report(self, loss: Any, steps: int = 1) -> Callable[[], float | None]:
        """Takes the loss reported after so many more steps; answers a function that tells the batch loss behind it."""
        self.count += steps
        answer: list[float | None] = []
        self._unread.append(lambda: answer.append(self._batch_loss.recover(float(loss), steps)))

        def read() -> float | None:
            self._read_all()
            return answer[0]

        return read

    def learn(self, measured: float) -> None:
        """Compares the last report with the loss measured in that step."""
        self._read_all()
        self._batch_loss.learn(measured)

    def _read_all(self) -> None:
        while self._unread:
            self._unread.popleft()()

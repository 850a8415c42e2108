"""What did a plain step report, when the device is still computing it? Losses that are read later than their step.

Reading one at once would make the host wait for the device at every step.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

from tb_lossdiag.recording.recorder import Recorder
from tb_lossdiag.recording.running_mean import BatchLoss


class LateRecorder(Recorder):
    """A recorder that is given, for a plain step, a function which tells the loss; called when losses are written."""

    def __init__(self, *args: Any) -> None:
        self._unseen: list[tuple[int, Callable[[], float | None]]] = []
        super().__init__(*args)

    def _fly(self, loss: Any) -> None:
        if callable(loss):
            self._unseen.append((self.step, loss))
        else:
            super()._fly(loss)

    def _write_losses(self) -> None:
        read = [(step, late(), seconds) for step, late, seconds in self._losses]
        self._losses = [record for record in read if record[1] is not None]
        super()._write_losses()
        unseen, self._unseen = self._unseen, []
        now = self.step
        for self.step, late in unseen:  # an accident is one of its own step
            loss = late()
            if loss is not None:
                super()._fly(loss)
        self.step = now


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

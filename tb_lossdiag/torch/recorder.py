"""What is kept of a torch training on the host? Cadence, held losses and the file of one training.

Nothing in here may disturb the training: a failure is warned about once, written as an event, and ends the recording.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from torch import Tensor

from tb_lossdiag import schema
from tb_lossdiag.recording.cadence import Cadence
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard, Row
from tb_lossdiag.torch.packing import Sample, in_columns, stacked

HELD_SECONDS = 1.0  # a killed process loses no more of its losses than this; the tab polls less often


class Recorder:
    """Records one training into `log_dir`. active: until it is closed or has failed. step: number of the last step.

    What belongs to a step is to be called `guarded`.
    """

    def __init__(self, log_dir: Any, every: int | str, total: int | None, done: int) -> None:
        """log_dir: None where nothing is to be recorded. total: steps planned, None when unknown. done: steps that the
        optimizer has taken before."""
        self.active = log_dir is not None
        self.step = done
        self._cadence = Cadence(every, total, done + 1)
        self._losses: list[tuple[int, Tensor, float]] = []
        self._epoch: list[float] = []
        self._epoch_start = done
        self._rows: tuple[Row, ...] = ()
        self._data_rows: tuple[Row, ...] = ()
        self._has_card = False
        self._writer: DiagnosticsWriter | None = None
        if self.active:
            with self.guarded():
                self._writer = DiagnosticsWriter(log_dir)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """A failure in the block ends the recording, not the training."""
        try:
            yield
        except Exception as error:  # whatever it is, it is ours
            self._stop(error)

    def samples_next(self) -> bool:
        """Whether the next step is to be sampled."""
        return self._cadence.is_sampled(self.step + 1)

    def record_plain(self, loss: Tensor | None) -> None:
        """A step that was not sampled. loss: None where it is unknown. It is read later, not to wait for a GPU here."""
        self.step += 1
        if loss is not None and self._cadence.keeps_loss(self.step):
            now = time.time()
            self._losses.append((self.step, loss, now))
            if now - self._losses[0][2] > HELD_SECONDS:
                self._write_losses()

    def record_sample(self, sample: Sample, card: Callable[[Sample], ModelCard]) -> None:
        """card: makes the card of the first sample."""
        self._write_losses()
        self.step += 1
        first = not self._has_card
        if first:
            self._rows, self._data_rows, self._has_card = sample.rows, sample.data_rows, True
            self._writer.write_card(self.step, card(sample))
        if self._rows:
            self._writer.write_layers(self.step, in_columns(sample.layers, self._rows, tuple(schema.LAYER_COLUMNS)))
        if self._data_rows:
            self._writer.write_data(self.step, in_columns(sample.data, self._data_rows, schema.DATA_COLUMNS))
        if sample.targets:
            columns = zip(*sample.targets, strict=True)
            self._writer.write_targets(self.step, dict(zip(schema.TARGET_COLUMNS, columns, strict=True)))
        self._writer.write_step(self.step, **{"loss": float("nan"), **sample.step})
        self._writer.flush()
        self._epoch += [sample.step["loss"]] if "loss" in sample.step else []
        if first and sample.unreached:
            self._writer.write_event(self.step, "no_gradient", rows=list(sample.unreached))

    def took(self, sampled: bool, seconds: float | None) -> None:
        """How long the last step took; None where it is not known."""
        self._cadence.took(self.step, sampled, seconds)

    def end_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Writes nothing where no step was taken since the last one."""
        with self.guarded():
            if not self.active or self.step == self._epoch_start:
                return
            self._write_losses()
            losses, self._epoch, self._epoch_start = self._epoch, [], self.step
            mean = {"loss": sum(losses) / len(losses)} if losses else {}
            self._writer.write_epoch(self.step, epoch, {**mean, **metrics})

    def close(self) -> None:
        with self.guarded():
            if self.active:
                self._write_losses()
                self._writer.close()
        self.active = False

    def _write_losses(self) -> None:
        held, self._losses = self._losses, []
        values = stacked([loss for _, loss, _ in held])
        self._writer.write_losses([(step, value, at) for (step, _, at), value in zip(held, values, strict=True)])
        self._epoch += values

    def _stop(self, error: Exception) -> None:
        if not self.active:
            return
        self.active = False
        reason = f"{type(error).__name__}: {error}".strip()
        with suppress(Exception):  # the file may be what failed
            self._write_losses()
            self._writer.write_event(self.step, "recording_stopped", reason=reason)
            self._writer.close()
        warnings.warn(f"tb_lossdiag stopped recording, the training goes on: {reason}", RuntimeWarning, stacklevel=2)

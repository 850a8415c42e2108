"""What is kept of a training on the host? Cadence, card and records of one training, whatever framework trains it.

Nothing in here may disturb the training: a failure is warned about once, written as an event, and ends the recording.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from typing import Any, NamedTuple, Protocol

import numpy as np

from tb_lossdiag import schema
from tb_lossdiag.recording.cadence import Cadence
from tb_lossdiag.recording.flight import FlightRecorder
from tb_lossdiag.recording.layout import OUTPUT_COLUMNS, STEP_NUMBERS, VARIABLE_COLUMNS, Layout, histograms_in
from tb_lossdiag.recording.search import Search
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.silence import Silence
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard

MOST_AWAITING = 1000  # losses held for a first sample; a step whose update stands in a branch may take a while
HELD_SECONDS = 1.0  # a killed process loses no more of its losses than this; the tab polls less often

# A loss, or where a device may still be computing it a function that tells it, None where it cannot be trusted.
# Reading one at once would make the host wait for the device at every step.
Loss = float | Callable[[], float | None]


class PlainStep(NamedTuple):
    """What is known of a step that was not sampled. seconds: Unix time. learning_rate, loss_scale: None where it is
    not known.
    """

    step: int
    loss: Loss
    seconds: float
    learning_rate: Loss | None
    loss_scale: Loss | None


class Training(Protocol):
    """What is trained, as its framework knows it."""

    def writes(self) -> bool:
        """Whether this process is the one that records."""

    def samples(self) -> bool:
        """Whether steps can be sampled."""

    def steps_taken(self) -> int:
        """How many steps were taken before."""

    def remember_weights(self) -> None:
        """Looks at the weights before the first step, for the card."""

    def card(
        self,
        layout: Layout,
        batch_size: int | None,
        plan: Mapping[str, int | None],
        settings: Mapping[str, Any],
    ) -> ModelCard:
        """Of a training whose first sampled step had this layout. plan: {"epochs": ..., "steps_per_epoch": ...}.

        settings: how it is recorded.
        """


class _Guard:
    """A class, as it stands around what is done in every step, where a generator's context manager costs more."""

    def __init__(self, recorder: "Recorder") -> None:
        self.recorder = recorder

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if not isinstance(error, Exception):
            return False
        self.recorder.stop(error)  # whatever it is, it is ours
        return True


class Recorder:
    """Records one training into `log_dir`. active: until it ends or has failed. step: number of the last step.
    width: how many steps the next call of the train function takes. selection: of the layers. noted_rate: the last.

    `start` comes first; then, for each step, `begin_step` says whether to sample it, and after it comes `record_plain`
    or `record_sample`. `start_epoch` and `end_epoch` where there are epochs. `pause` or `close` comes last.

    before: what has recorded this training so far and was paused; where it wrote into the same directory, with the
    same settings, and the steps go on, its file goes on as well: the training has no second beginning.
    """

    def __init__(
        self,
        training: Training,
        log_dir: Any,
        every: int | str,
        selection: Selection | None = None,
        before: "Recorder | None" = None,
    ) -> None:
        self.training = training
        self.log_dir = log_dir
        self.every = every
        self.active = True
        self.is_paused = False
        self.step = 0
        self.width = 1
        self.selection = selection or Selection()
        self._before = before
        self._layout: Layout | None = None
        self._held: PlainStep | None = None
        self._losses: list[PlainStep] = []
        self._unseen: list[tuple[int, Callable[[], float | None]]] = []
        self._epoch_start = -1
        self._epoch_end: int | None = None
        self._epoch_sum, self._epoch_count = 0.0, 0
        self.noted_rate: float | None = None
        self._flight = FlightRecorder()
        self._search, self._only_looks = Search(), False
        self._silence = Silence()
        self._cadence: Cadence | None = None
        self._writer: DiagnosticsWriter | None = None
        with self.guarded():
            self._samples = training.samples()
            self.active = training.writes()
            if self.active and not self._may_go_on():
                self._open()

    def guarded(self) -> AbstractContextManager[None]:
        """A failure in the block ends the recording, not the training."""
        return _Guard(self)

    def stop(self, error: Exception) -> None:
        """Ends the recording because of a failure, with one warning."""
        if not self.active:
            return
        self.active = False
        reason = f"{type(error).__name__}: {error}".strip()
        with suppress(Exception):  # the file may be what failed
            self._write_losses()
            self._writer.write_event(self.step, "recording_stopped", reason=reason)
            self._writer.close()
        warnings.warn(f"tb_lossdiag stopped recording, the training goes on: {reason}", RuntimeWarning, stacklevel=2)

    def sample_no_more(self, reason: str) -> None:
        """Keeps recording the losses only, with one warning."""
        if not self._samples:
            return
        self._samples = False
        with self.guarded():
            self._writer.write_event(self.step, "not_sampled", reason=reason)
        told = f"tb_lossdiag records only the losses of this training: {reason}"
        warnings.warn(told, RuntimeWarning, stacklevel=2)

    def start(
        self, epochs: int | None = None, steps_per_epoch: int | None = None, epochs_left: int = 0, width: int = 1
    ) -> None:
        """What is planned. width: how many steps the train function takes at a call."""
        with self.guarded():
            self.step = max(self.step, self.training.steps_taken())  # a recompiled model's counts from 0 again
            self._plan = {"epochs": epochs, "steps_per_epoch": steps_per_epoch}
            self.width = width
            planned = steps_per_epoch * epochs_left if steps_per_epoch and epochs_left else None
            before, goes_on = self._before, self._goes_on()
            self._cadence = Cadence(self.every, planned, self.step + 1, before and before._cadence, goes_on)
            if goes_on:
                self._take_over(before)
            else:
                self.training.remember_weights()
                if self._writer is None and self.active:
                    self._open()
            self._before = None

    def _may_go_on(self) -> bool:
        """Whether the file of the recorder before may be this one's, as far as is known before the first step."""
        before = self._before
        if before is None or not before.is_paused:
            return False
        return (before.log_dir, before.every, before.selection) == (self.log_dir, self.every, self.selection)

    def _goes_on(self) -> bool:
        before = self._before
        is_further = self._may_go_on() and before._layout is not None and self.step >= before.step
        return is_further and before._writer.is_there()

    def _take_over(self, before: "Recorder") -> None:
        before.is_paused = False
        self._writer, self._layout, self._silence = before._writer, before._layout, before._silence
        self._flight, self.noted_rate, self._samples = before._flight, before.noted_rate, before._samples

    def _open(self) -> None:
        if self._before is not None:
            self._before.close()
        self._writer = DiagnosticsWriter(self.log_dir)

    def start_epoch(self) -> None:
        with self.guarded():
            self._held, self._epoch_start = None, self.step
            steps = self._plan["steps_per_epoch"]
            self._epoch_end = self.step + steps if steps else None

    def end_epoch(self, epoch: int, metrics: Mapping[str, Any]) -> None:
        with self.guarded():
            self._write_losses()
            if self.step == self._epoch_start:
                return  # its data had no rows
            numbers = {name: float(value) for name, value in metrics.items() if np.ndim(value) == 0}
            self._writer.write_epoch(self.step, epoch, numbers)

    def mean_loss(self) -> float | None:
        """Of all steps since it was asked for before, as far as their losses are known; None where none is."""
        self._write_losses()
        mean = self._epoch_sum / self._epoch_count if self._epoch_count else None
        self._epoch_sum, self._epoch_count = 0.0, 0
        return mean

    def begin_step(self) -> bool:
        """Whether the next step is to be sampled."""
        with self.guarded():
            if self._held is not None:
                self._keep_loss(self._held)
                self._held = None
            is_due = self._samples and self._cadence.is_sampled(self._next_step(), self.width)
            self._only_looks = self._samples and self._search.is_on and not is_due
            return is_due or self._only_looks
        return False

    def has_room(self) -> bool:
        """Whether the epoch is known to have as many steps left as the next call takes."""
        return self._epoch_end is not None and self.step + self.width <= self._epoch_end

    def counts(self) -> bool:
        """Whether the next step, which is to be sampled, is to have histograms."""
        with self.guarded():
            return self.active and not self._only_looks and self._cadence.counts(self._next_step())
        return False

    def record_plain(
        self,
        loss: Loss | None,
        seconds: float | None,
        last_in_epoch_counts: bool = True,
        learning_rate: Loss | None = None,
        loss_scale: Loss | None = None,
    ) -> None:
        """A step that was not sampled. loss: None where it is unknown, and then nothing of the step is written.

        last_in_epoch_counts: False where the loss is right only if another step follows in this epoch.
        learning_rate: that the step applied. loss_scale: by which it had multiplied its loss. Each None where unknown.
        """
        with self.guarded():
            self.step = self._next_step()
            self._cadence.took(self.step, False, seconds)
            if loss is None:
                return
            if callable(loss):
                self._unseen.append((self.step, loss))
            else:
                self._fly(self.step, loss)
            if self._cadence.keeps_loss(self.step):
                plain = PlainStep(self.step, loss, time.time(), learning_rate, loss_scale)
                if last_in_epoch_counts:
                    self._keep_loss(plain)
                else:
                    self._held = plain

    def record_sample(self, layout: Layout, numbers: Mapping[str, Any], reported: float | None) -> float:
        """A sampled step from its packed tensors; answers the batch loss: as measured, else as the step reported it."""
        first = self._layout is None
        if not first:
            self._write_losses()
        self.step = self._next_step()
        arrays = {name: np.asarray(value, np.float32) for name, value in numbers.items()}
        if first:
            self._layout = layout
            self._write_card(layout, arrays)
            self._write_losses()
        writer, values = self._writer, dict(zip(STEP_NUMBERS, arrays["step"].tolist(), strict=True))
        if not layout.knows_loss and reported is not None:
            values["loss"] = reported
        is_broken = _has_broken_data(layout, arrays["data"])
        self._look(values["loss"], is_broken)
        if self._only_looks and not is_broken:
            self._keep_loss(PlainStep(self.step, values["loss"], time.time(), values["learning_rate"], None))
            return values["loss"]
        self._only_looks = False
        if self._layout.rows:
            writer.write_layers(self.step, self._layer_columns(layout, arrays))
        if self._layout.data_rows:
            writer.write_data(
                self.step, self._in_rows(layout.data_rows, self._layout.data_rows, schema.DATA_COLUMNS, arrays["data"])
            )
        if len(arrays["targets"]):
            writer.write_targets(self.step, dict(zip(schema.TARGET_COLUMNS, arrays["targets"].T, strict=True)))
        if "histograms" in arrays and not np.isnan(arrays["histograms"]).all():
            writer.write_histograms(self.step, histograms_in(self._layout.rows, layout.rows, arrays["histograms"]))
        writer.write_step(self.step, **values)
        writer.flush()
        if first and layout.unreached:
            writer.write_event(self.step, "no_gradient", rows=list(layout.unreached))
        if layout.knows_loss or reported is not None:
            self._fly(self.step, values["loss"], is_broken)
        return values["loss"]

    def took(self, seconds: float | None) -> None:
        """How long the sampled step took, recording included; None when it was traced."""
        with self.guarded():
            if not self._only_looks:
                self._cadence.took(self.step, True, seconds)

    def tell(self, kind: str, **facts: Any) -> None:
        """Writes an event of the step that is going on."""
        with self.guarded():
            self._writer.write_event(self.step, kind, **facts)

    def note_learning_rate(self, rate: float, by: str | None = None) -> None:
        """Writes an event when it is not the rate of the last call: someone set it by hand. by: who, where known."""
        with self.guarded():
            if self.noted_rate is not None and rate != self.noted_rate:
                facts = {"from": self.noted_rate, "to": rate} | ({} if by is None else {"by": by})
                self._writer.write_event(self.step + 1, "learning_rate", **facts)
            self.noted_rate = rate

    def pause(self) -> None:
        """Ends the recording; another recorder may go on where it ended."""
        with self.guarded():
            if self.active and self._writer is None:  # it has not started: nothing but the file goes on
                self._take_over(self._before)
                self._cadence = self._before._cadence
            if self.active:
                self._write_losses()
                self._tell_cost()
                self._writer.pause()
                self.is_paused = True
        self._before, self.active = None, False

    def close(self) -> None:
        """Ends the recording for good."""
        if self.active:
            self.pause()
        if self.is_paused:
            self.is_paused = False
            with suppress(OSError):  # all is written
                self._writer.close()

    def _tell_cost(self) -> None:
        share = self._cadence.added_share() if self._cadence is not None else None
        if share is not None:
            self._writer.write_event(self.step, "cost", share=share, samples=self._cadence.samples)

    def _next_step(self) -> int:
        step = self.step + self.width
        return step if self._epoch_end is None or step <= self._epoch_end else max(self._epoch_end, self.step + 1)

    def _keep_loss(self, plain: PlainStep) -> None:
        """Losses go to the file together: alone, each would cost a plain step more than all else we do there."""
        self._losses.append(plain)
        # A clock that was set back must not hold them for hours.
        is_old = not 0 <= plain.seconds - self._losses[0].seconds <= HELD_SECONDS
        if is_old and not self._awaits_card():
            self._write_losses()

    def _awaits_card(self) -> bool:
        """Whether steps were taken before the first sample, which has the card that comes before all records."""
        return self._layout is None and self._samples and len(self._losses) < MOST_AWAITING

    def _look(self, loss: float, is_broken: bool) -> None:
        found = self._search.looked(loss, is_broken)
        if found is not None:
            self._writer.write_event(self.step, "search", steps=self._search.steps, found=found)

    def _fly(self, step: int, loss: float, is_broken: bool = False) -> None:
        """is_broken: whether the batch itself is known to hold NaN or Inf."""
        self._epoch_sum += loss
        self._epoch_count += 1
        reason = self._flight.saw(step, loss)
        if reason is not None:
            self._cadence.alarm()
            if reason == "nonfinite" and not is_broken:
                self._search.begin(self._plan["steps_per_epoch"])
            self._write_losses()
            self._writer.write_event(step, "accident", reason=reason, losses=self._flight.losses())

    def _write_losses(self) -> None:
        held, self._losses = self._losses, []
        if not self._writer.is_there():
            raise FileNotFoundError(f"the event file in {self.log_dir} is no longer there")
        read = [(plain, _told(plain.loss)) for plain in held]
        known = [(plain, loss) for plain, loss in read if loss is not None]
        self._writer.write_losses(
            [(plain.step, loss, plain.seconds) for plain, loss in known],
            learning_rate=[_told(plain.learning_rate) for plain, _ in known],
            loss_scale=[_told(plain.loss_scale) for plain, _ in known],
        )
        unseen, self._unseen = self._unseen, []
        for step, late in unseen:
            loss = late()
            if loss is not None:
                self._fly(step, loss)

    def _write_card(self, layout: Layout, arrays: Mapping[str, np.ndarray]) -> None:
        batch = int(arrays["batch"]) or None
        chosen = {name: list(patterns) for name, patterns in asdict(self.selection).items() if patterns}
        settings = {"every": self.every, **chosen}
        self._writer.write_card(self.step, self.training.card(layout, batch, self._plan, settings))

    def _layer_columns(self, layout: Layout, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Each column in the card's row order, whatever order this trace had."""
        columns = {}
        for kind, names, table in (
            ("variable", VARIABLE_COLUMNS, arrays["variables"]),
            ("output", OUTPUT_COLUMNS, arrays["outputs"]),
        ):
            rows = [row for row in layout.rows if row.kind == kind]
            columns |= self._in_rows(rows, self._layout.rows, names, table)
        if layout.followed:
            shares = self._silence.shares(layout.followed, arrays["silent"] > 0)
            columns["activation_silent_share"] = np.array([shares.get(row.name, np.nan) for row in self._layout.rows])
        return columns

    @staticmethod
    def _in_rows(rows: Any, card_rows: Any, names: tuple[str, ...], table: np.ndarray) -> dict[str, np.ndarray]:
        place = {row.name: i for i, row in enumerate(rows)}
        columns = np.full((len(card_rows), len(names)), np.nan, np.float32)
        for i, row in enumerate(card_rows):
            if row.name in place:
                columns[i] = table[place[row.name]]
        return dict(zip(names, columns.T, strict=True))


def _has_broken_data(layout: Layout, data: np.ndarray) -> bool:
    """Whether an input or a target holds NaN or Inf."""
    column = schema.DATA_COLUMNS.index("nonfinite")
    given = [row.kind in ("input", "target") for row in layout.data_rows]
    return len(data) == len(given) and bool((data[given, column] > 0).any())


def _told(number: Loss | None) -> float | None:
    return number() if callable(number) else number

"""How is a step of Keras on PyTorch sampled? It is run once, as ever, and watched: nothing is computed differently
there for being read. Of a step that torch.compile has compiled, the layers' outputs are out of reach.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
from torch import Tensor

from tb_lossdiag.recording.late import LateLosses
from tb_lossdiag.recording.loss_card import has_sparse_labels
from tb_lossdiag.recording.recorder import Loss, Recorder
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.torch.observation import Observation, arrays
from tb_lossdiag.recording.torch.packing import packed
from tb_lossdiag.recording.torch.taps import watching


class TrainFunction:
    """Stands in for `model.train_function` during one fit and decides call by call how it is run.

    It lives as long as the model's own train function, `plain`. fit, recorder: of the fit that is recorded, or was
    last. announced: set before each call by that fit; a call without it comes from elsewhere and runs plain.
    """

    takes_every_step = False

    def __init__(self, model: keras.Model, plain: Callable, selection: Selection) -> None:
        self.model = model
        self.plain = plain
        self.selection = selection
        self.fit: Any = None
        self.recorder: Recorder | None = None
        self.announced = False
        self.batch_loss = LateLosses()
        self._sparse_labels = has_sparse_labels(model)
        self._batch_size = 0

    def may_serve(self, selection: Selection) -> bool:
        """Whether a fit of which these layers are to be recorded can go on with what was learnt in another."""
        return self.selection == selection

    def __call__(self, data: Any) -> Any:
        announced, self.announced = self.announced, False
        if not announced or not self.recorder.active:
            return self.plain(data)
        return self._sampled(data) if self.recorder.begin_step() else self._plain(data)

    def _plain(self, data: Any) -> Any:
        began = time.perf_counter()
        logs = self.plain(data)
        with self.recorder.guarded():
            loss, seconds = self._batch_loss_behind(logs), time.perf_counter() - began
            self.recorder.record_plain(loss, seconds, last_in_epoch_counts=self.batch_loss.count == 1)
        return logs

    def _batch_loss_behind(self, logs: Any) -> Loss | None:
        reported = _reported_loss(logs)
        if reported is None:
            return None
        loss = self.batch_loss.report(reported)
        return loss if isinstance(reported, Tensor) and reported.device.type != "cpu" else loss()

    def _sampled(self, data: Any) -> Any:
        began, observation = time.perf_counter(), None
        with self.recorder.guarded():
            observation = Observation(self.model, self.recorder.selection, self.recorder.counts())
        if observation is None:
            return self.plain(data)
        logs = (self._around if self.model.jit_compile else self._inside)(observation, data)
        with self.recorder.guarded():
            if observation.error is not None:
                raise observation.error
            self._record_sample(observation, logs, data)
            self.recorder.took(time.perf_counter() - began)
        return logs

    def _inside(self, observation: Observation, data: Any) -> Any:
        with watching(observation):
            return self.plain(data)

    def _around(self, observation: Observation, data: Any) -> Any:
        optimizer = self.model.optimizer
        observation.tell("saw_optimizer", optimizer)
        logs = self.plain(data)
        observation.tell("saw_gradients_left", optimizer)
        return logs

    def _record_sample(self, observation: Observation, logs: Any, data: Any) -> None:
        batch = data[0] if isinstance(data[0], tuple) else (data[0],)
        if observation.x is None:
            observation.x = arrays(batch[0])
        if observation.y is None and len(batch) > 1:
            observation.y = arrays(batch[1])
        layout, numbers = packed(observation, self._sparse_labels, self.recorder.selection)
        reported = _reported_loss(logs)
        behind = None if reported is None else self.batch_loss.report(reported)()
        loss = self.recorder.record_sample(layout, numbers, behind)
        size = int(numbers["batch"])
        self._batch_size = self._batch_size or size
        if (
            reported is not None and layout.knows_loss and size == self._batch_size
        ):  # the means of unequal batches are weighted
            self.batch_loss.learn(loss)


def _reported_loss(logs: Any) -> Any:
    return logs.get("loss") if isinstance(logs, Mapping) else None

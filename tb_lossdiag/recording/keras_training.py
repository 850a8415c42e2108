"""What does a recorder ask of a training with Keras? Its processes, its steps so far and its card."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from tb_lossdiag.recording.callbacks import described
from tb_lossdiag.recording.card import initial_weights, model_card
from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.workers import spans_processes, writes
from tb_lossdiag.run import ModelCard


class KerasTraining:
    """A recorder.Training. optimizer: None for a model that is compiled without one. callbacks: of its fit."""

    def __init__(self, model: keras.Model, optimizer: Any, callbacks: Sequence[Any] = ()) -> None:
        self._model = model
        self._callbacks = callbacks
        self._optimizer = optimizer

    def writes(self) -> bool:
        return writes(self._model)

    def samples(self) -> bool:
        return not spans_processes(self._model)

    def steps_taken(self) -> int:
        return 0 if self._optimizer is None else int(keras.ops.convert_to_numpy(self._optimizer.iterations))

    def remember_weights(self) -> None:
        self._initial = initial_weights(self._model)

    def card(
        self,
        layout: Layout,
        batch_size: int | None,
        plan: Mapping[str, int | None],
        settings: Mapping[str, Any],
    ) -> ModelCard:
        callbacks = described(self._callbacks)
        settings = {**settings, **({"callbacks": callbacks} if callbacks else {})}
        return model_card(self._model, self._optimizer, layout, self._initial, batch_size, plan, settings)

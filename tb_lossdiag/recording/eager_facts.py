"""What does only an eager step itself tell of, while it runs? Its broadcasts, and what some variables held before."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tb_lossdiag.recording.broadcasts import Broadcast
from tb_lossdiag.recording.eager_broadcasts import EagerBroadcasts
from tb_lossdiag.recording.structure import Structure
from tb_lossdiag.recording.untracked import values_held


class EagerFacts:
    """Of one step of this model; to be stopped whatever happens."""

    def __init__(self, model: keras.Model, structure: Structure) -> None:
        self.broadcasts: tuple[Broadcast, ...] = ()
        self._before = values_held(model, structure)
        self._heard = EagerBroadcasts()
        self._is_over = False

    def saw_model(self, outputs: Sequence[Any], inputs: Sequence[Any]) -> None:
        if not self._is_over:
            self._heard.follow(outputs, inputs)

    def saw_gradient(self, target: Any) -> None:
        self._is_over = True
        self._heard.stop()
        self.broadcasts = self._heard.in_loss(target)

    def unchanged(self, variables: Sequence[Any]) -> list[Any]:
        """Those of the variables that the model keeps in some attribute and the step has not assigned. Who has read
        them nobody knows.
        """
        kept = [one for one in variables if id(one) in self._before]
        return [one for one in kept if np.array_equal(one.numpy(), self._before[id(one)], equal_nan=True)]

    def stop(self) -> None:
        self._heard.stop()

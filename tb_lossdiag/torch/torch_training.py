"""What does a recorder ask of a plain PyTorch training? Its processes, its steps so far and its card."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.run import ModelCard
from tb_lossdiag.torch.card import model_card
from tb_lossdiag.torch.facts import step_facts
from tb_lossdiag.torch.seen import Seen
from tb_lossdiag.torch.structure import structure_of
from tb_lossdiag.torch.weights import initial_weights


class TorchTraining:
    """A recorder.Training. model: the bare one. seen: to be set before the first step.

    facts: of the first sampled step, under the names of run.ModelCard.settings. is_scaled: whether a GradScaler
    multiplies the loss.
    """

    seen: Seen

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._model = model
        self._optimizer = optimizer
        self.facts: dict[str, Any] = {}
        self.is_scaled = False

    def writes(self) -> bool:
        """The first process does."""
        distributed = torch.distributed
        return not (distributed.is_available() and distributed.is_initialized() and distributed.get_rank())

    def samples(self) -> bool:
        return True

    def remember_weights(self) -> None:
        self._initial = initial_weights(structure_of(self._model))

    def steps_taken(self) -> int:
        """The optimizer counts its steps where it needs to, as in a training that is resumed."""
        counts = [state["step"] for state in self._optimizer.state.values() if "step" in state]
        return int(max(counts, default=0))

    def card(
        self,
        layout: Layout,
        batch_size: int | None,
        plan: Mapping[str, int | None],
        settings: Mapping[str, Any],
    ) -> ModelCard:
        card = model_card(
            self._model,
            self._optimizer,
            self.seen,
            layout,
            self._initial,
            batch_size,
            plan,
            {**settings, **step_facts(self._model, self._optimizer, self.seen.used), **self.facts, **self._dropouts()},
        )
        return replace(card, optimizer={**card.optimizer, "loss_scale": True}) if self.is_scaled else card

    def _dropouts(self) -> dict[str, Any]:
        return {"dropouts": self.seen.dropouts} if self.seen.dropouts else {}

"""From which forward passes and losses did a step get its gradients?

A model may be called several times before the optimizer steps: for several losses, in micro-batches, by somebody who
only looks. Those calls count whose output the differentiated loss was computed from; of several in one backward pass
the one with most examples is shown. Gradients that were cleared before the step take with them what they came from.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tb_lossdiag.torch.adversary import ADVERSARIES, ANOTHERS, are_adversaries, of_another
from tb_lossdiag.torch.broadcasts import broadcast_of, broadcasts_by_hand
from tb_lossdiag.torch.forward import ForwardPass
from tb_lossdiag.torch.functions import as_given
from tb_lossdiag.torch.graph import descends, graph_of
from tb_lossdiag.torch.loss_call import LossCall, is_same, is_small, joined
from tb_lossdiag.torch.mixing import is_softmax_over_batch
from tb_lossdiag.torch.sought import sought

# Passes that no backward pass has come for yet. Each holds its graph, which somebody who only looks would let go of.
MAX_PASSES = 4
MAX_CALLS = 16  # of losses, likewise
SAME = 1e-2  # relative; autocast may have computed the training's loss in half precision


class Used:
    """What one step's gradients came from; `backward_begins` for each loss that is differentiated, then `finish`.

    forward: the pass that is shown. passes: how many have a part; examples: in all of them, but one of each
    backward pass. losses: the calls of losses that were given what is shown. broadcasts: in the loss, as a
    ModelCard has them. has_softmax_over_batch: whether one stands between the weights and the loss. foreign: leaves
    of the loss's graph that are no parameters of the model, by their id. not_measured: why there are no references
    of the loss. not_found: whether the handed function gave none of the losses. place: which of the model's outputs
    is the loss (True), or was what the only loss was given (False); None for neither.
    """

    def __init__(self, trained: Sequence[Tensor], first: ForwardPass, function: Callable | None) -> None:
        """trained: the weights that the optimizer has. first: an empty pass. function: what gives the loss of
        predictions and targets, where the user handed it.
        """
        self.forward = first
        self.may_unpack = True  # whether what autograd keeps is kept as it is
        self._trained = trained
        self._function = function
        self._waiting: list[ForwardPass] = []
        self._forgotten = 0
        self._heard: list[LossCall] = []
        self._scaled: tuple[int, Tensor | None] = (0, None)
        self._start([])

    def _start(self, passes: list[ForwardPass]) -> None:
        self._counted = passes
        self.passes, self.examples = len(passes), 0
        self.losses: list[LossCall] = []
        self.broadcasts: list[dict[str, Any]] = []
        self.foreign: dict[int, Tensor] = {}
        self.not_measured, self.not_found = "", False
        self.place: tuple[int, bool] | None = None
        self.has_softmax_over_batch = False

    def awaits(self, forward: ForwardPass) -> bool:
        return forward in self._waiting

    @property
    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def add_pass(self, forward: ForwardPass) -> None:
        """One that begins. At most MAX_PASSES wait; of more, those with fewest examples are forgotten."""
        self._waiting.append(forward)
        if len(self._waiting) > MAX_PASSES:
            self._waiting.remove(min(self._waiting[:-1], key=_examples))
            self._forgotten += 1

    def add_loss(self, call: LossCall | None) -> None:
        if call is not None and not any(is_same(call, known) for known in self._heard):
            self._heard = [*self._heard, call][-MAX_CALLS:]

    def scaled(self, loss: Tensor, product: Tensor) -> None:
        """What is differentiated may be a multiple of the loss."""
        self._scaled = id(product), loss.detach()

    def backward_begins(self, loss: Tensor, own: Container[int], generator: torch.Generator) -> bool:
        """Of whichever model; the graph is there until it ends. Answers whether it is of this one.

        own: ids of the model's parameters.
        """
        graph = graph_of(loss)
        passes = [forward for forward in self._waiting if any(node in forward for node in graph.nodes)]
        again = [forward for forward in self._counted if any(node in forward for node in graph.nodes)]
        if not passes and not again and not any(key in own for key in graph.leaves):
            return False
        if self._gradients_are_cleared():
            self._start(again)
        self.foreign |= {key: leaf for key, leaf in graph.leaves.items() if key not in own}
        calls = [call for call in self._heard if _is_in(call, graph.nodes) and self._is_ours(call)]
        anothers = of_another(calls, passes or again, _Ends(passes or again), self.foreign, self._trained)
        calls = [call for call in calls if call not in anothers]
        if anothers and not calls:
            self.not_measured = ANOTHERS
        if not calls and self._function is not None and passes:
            calls = self._sought(passes, loss)
        self._count(passes or again, calls, loss, generator)
        # Only now is it known whether a sequence has its steps in front of its examples.
        self.has_softmax_over_batch |= any(is_softmax_over_batch(graph.nodes, one.examples) for one in passes or again)
        return True

    def backward_ended(self, keeps_losses: bool) -> None:
        for forward in self._counted:
            forward.forget_history()
        if not keeps_losses:
            self.losses = [call for call in self.losses if is_small(call)]  # one of the next pass may join it

    def finish(self, generator: torch.Generator) -> None:
        """No more comes. Where no backward pass was heard the gradients came another way, and the last pass counts."""
        if not self._counted and self._waiting:
            calls = [call for call in self._heard if self._is_ours(call)]
            self._count(self._waiting[-1:], calls, None, generator)
        self._waiting, self._heard = [], []

    def _count(
        self,
        passes: Sequence[ForwardPass],
        calls: Sequence[LossCall],
        loss: Tensor | None,
        generator: torch.Generator,
    ) -> None:
        new = [forward for forward in passes if forward not in self._counted]
        shown = self.forward if self._counted else None
        main = max(reversed(passes), key=_examples, default=None)
        if self._forgotten and len(new) == len(self._waiting):
            self.passes += self._forgotten  # like all those that are still known, as in a decoder
        self._forgotten = 0
        self._counted += new
        self._waiting = [forward for forward in self._waiting if forward not in new]
        self._heard = [call for call in self._heard if call not in calls]
        self.passes += len(new)
        by_hand = broadcasts_by_hand(loss, _Ends(passes), lambda: self.may_unpack) if loss is not None else []
        self.broadcasts += [told for told in map(broadcast_of, calls) if told is not None] or by_hand
        if main is not None and (shown is None or main.examples >= shown.examples):
            self.forward = main
            self.place = _place(main, calls, loss) if loss is not None else None
            if calls:
                self._show(calls, generator)
                if loss is not None:
                    self._compare(loss)
            elif main in new:
                main.take_predictions()
        if main in new:
            self.examples += main.examples

    def _show(self, calls: Sequence[LossCall], generator: torch.Generator) -> None:
        """What is compared in the pass that is shown; with it what the same loss was told of another pass."""
        main = [call for call in calls if descends(call.predictions[0], self.forward)]
        others = [call for call in calls if call not in main]
        shown = main or others
        if are_adversaries([*self.losses[:1], *shown[:1], *others]):
            self.losses, self.not_measured = [], ADVERSARIES
            self.forward.take_predictions()
            return
        for call in [*self.losses[:1], *(others if main else [])]:
            shown[0] = joined(call, shown[0])
        self.losses = shown
        self.not_measured = self.forward.take_loss(shown, generator)

    def _compare(self, loss: Tensor) -> None:
        """What is differentiated may be more than the loss that was recognised, or a part of it, or weighted."""
        forward, value = self.forward, self._unscaled(loss)
        if not self.losses or self.losses[0].value is not None or forward.own_loss is None:
            return
        if not torch.isclose(forward.own_loss, value.detach().float(), rtol=SAME, atol=0.0, equal_nan=True):
            forward.loss = replace(forward.loss, weighted=True)

    def _unscaled(self, loss: Tensor) -> Tensor:
        product, value = self._scaled
        return value if product == id(loss) and value is not None else loss

    def _sought(self, passes: Sequence[ForwardPass], loss: Tensor) -> list[LossCall]:
        outputs = [tensor for forward in passes for tensor in forward.outputs]
        call = sought(self._function, self._unscaled(loss), outputs, _Ends(passes))
        self.not_found = call is None
        return [] if call is None else [call]

    def _is_ours(self, call: LossCall) -> bool:
        ends = _Ends([*self._waiting, *self._counted])
        return any(descends(tensor, ends) for tensor in call.predictions)

    def _gradients_are_cleared(self) -> bool:
        gradients = (parameter.grad for parameter in self._trained)
        return not any(gradient is not None and bool(gradient.any()) for gradient in gradients)


class _Ends:
    """The nodes of any of these passes."""

    def __init__(self, passes: Sequence[ForwardPass]) -> None:
        self._passes = passes

    def __contains__(self, node: Any) -> bool:
        return any(node in forward for forward in self._passes)


def _examples(forward: ForwardPass) -> int:
    return forward.examples


def _is_in(call: LossCall, nodes: Container[Any]) -> bool:
    return any(tensor.grad_fn in nodes for tensor in call.predictions if tensor.grad_fn is not None)


def _place(forward: ForwardPass, calls: Sequence[LossCall], loss: Tensor) -> tuple[int, bool] | None:
    at = as_given(loss, forward.results)
    if at is not None:
        return at, True
    if len(calls) != 1 or len(calls[0].predictions) != 1:
        return None
    at = as_given(calls[0].predictions[0], forward.results)
    return None if at is None else (at, False)

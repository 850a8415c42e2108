"""What are the numbers of one forward pass? Of its inputs, its layers' outputs, its predictions and targets.

All are computed at once and only numbers are kept: an in-place activation changes a layer's output right after it, and
held tensors would cost memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tb_lossdiag.recording.rows import unique
from tb_lossdiag.recording.selection import Selection
from tb_lossdiag.recording.torch import statistics
from tb_lossdiag.recording.torch.histograms import drawn_output
from tb_lossdiag.torch.agreement import gradient_agreement
from tb_lossdiag.torch.axes import arranged, units_second
from tb_lossdiag.torch.evaluation import Batch
from tb_lossdiag.torch.functions import FUNCTIONS, UNKNOWN, Origin, as_given, origin
from tb_lossdiag.torch.kinds import activation_name
from tb_lossdiag.torch.loss_call import LossCall
from tb_lossdiag.torch.losses import Loss, counted, described, in_units, tensors
from tb_lossdiag.torch.mixing import LOSS, crosses_examples, is_viewed, swapped, viewed_shape
from tb_lossdiag.torch.references import references
from tb_lossdiag.torch.structure import Structure


@dataclass(frozen=True)
class Measured:
    """numbers: of an output. drawn: its values for a histogram; None in a sample that has no histograms."""

    numbers: statistics.Numbers
    drawn: Tensor | None = None


@dataclass(frozen=True)
class Call:
    """One call of a layer. output: what came out of it. under: that after each activation that may follow it."""

    path: str
    output: Measured
    under: Mapping[str, Measured]
    units: int | None


class ForwardPass:
    """Takes the numbers of what passes by. activations: what is called as a function behind a layer; it is added to.

    calls: in their order. viewed: layers that took the model's input viewed where its axes were to be swapped.
    feeds: layer to the layers that feed it. sequences: how many steps and examples a layer that has the steps in
    front takes its input for. data: (kind, name) to numbers. targets: float32 [outputs, columns]. loss, agreement:
    as the loss was called; None where no call is known. examples: in the batch. is_training: whether the model was
    in training mode. batch: what the model was given; None where that is not kept. outputs: what it gave, until the
    backward pass is over.
    """

    def __init__(
        self,
        structure: Structure,
        selection: Selection,
        activations: dict[str, str],
        learns: bool,
        counts: bool,
        is_training: bool = True,
    ) -> None:
        """selection: the layers whose outputs are measured. counts: whether the sample has histograms.

        learns: whether it is not known yet what follows each layer.
        """
        self.batch: Batch | None = None
        self.outputs: tuple[Tensor, ...] = ()
        self.compared: dict[tuple[str, str], Tensor] = {}
        self.examples = 0
        self._form: tuple[int, ...] = ()  # of the first input
        self._given: Tensor | None = None  # the first input, until the model has answered
        self.given: dict[str, dict[str, Any]] = {}  # of each input dtype, and shape without the batch axis
        self.viewed: list[str] = []
        self.is_training = is_training
        self.results: list[Any] = []  # autograd's node of each tensor that the model gave
        self.calls: list[Call] = []
        self.feeds: dict[str, tuple[str, ...]] = {}
        self.sequences: dict[str, dict[str, int]] = {}
        self.data: dict[tuple[str, str], statistics.Numbers] = {}
        self.targets: Tensor | None = None
        self.loss: Loss | None = None
        self.own_loss: Tensor | None = None  # of the first call of a loss, as it was called again
        self.agreement: Tensor | None = None
        self.activations = activations
        self._structure = structure
        self._selection = selection
        self._learns = learns
        self._counts = counts
        self._produced: dict[Any, str] = {}  # autograd's node of an output to its layer
        self._second: dict[str, bool] = {}  # whether a layer's units are on axis 1
        self._last_linear: tuple[str, Tensor, Tensor] | None = None  # autograd holds its input and output anyway

    def take_call(self, path: str, module: nn.Module, given: Any, output: Any) -> None:
        inputs = list(tensors(given))
        sources = dict.fromkeys(feed for tensor in inputs for feed in self._follow(tensor).feeds)
        self.feeds[path] = tuple(dict.fromkeys([*self.feeds.get(path, ()), *sources]))
        if (self._given is not None and inputs and is_viewed(self._given, inputs[0].detach())) or any(
            self._runs_together(tensor) for tensor in inputs
        ):
            self.viewed.append(path)
        if getattr(module, "batch_first", True) is False and inputs and inputs[0].dim() == 3:
            steps, examples = inputs[0].shape[:2]
            self.sequences[path] = {"sequence_steps": steps, "sequence_examples": examples}
        outputs = [tensor for tensor in tensors(output) if tensor.is_floating_point() or tensor.is_complex()]
        if not outputs:
            return
        inherited = next((self._second[source] for source in sources if source in self._second), None)
        self._second[path] = units_second(module, outputs[0].dim(), inherited)
        self._take_output(path, module, arranged(outputs[0].detach(), self._second[path], module))
        self._produced |= {tensor.grad_fn: path for tensor in outputs if tensor.grad_fn is not None}
        if outputs[0].grad_fn is None and activation_name(module) == "linear":
            self.activations.setdefault(path, UNKNOWN)  # a frozen or checkpointed layer has no history to follow
        if isinstance(module, nn.Linear) and inputs:
            self._last_linear = path, inputs[0].detach(), outputs[0].detach()

    def _runs_together(self, tensor: Tensor) -> bool:
        """Whether it is a view of a layer's output that takes other axes for those of its examples or its units."""
        given = viewed_shape(tensor, self._produced)
        if given is None:
            return False
        return swapped(given, tensor.shape) or crosses_examples(given, tensor.shape, self.examples)

    def __contains__(self, node: Any) -> bool:
        """Whether this autograd node gave an output of the model or of a layer in this pass."""
        return node in self._produced or any(node is known for known in self.results)

    def gave(self, tensor: Tensor) -> bool:
        """Whether a tensor is an output of the model or of a layer as it is, but for its shape and an activation."""
        return as_given(tensor, self.results) is not None or origin(tensor, self._produced).as_is is not None

    def forget_history(self) -> None:
        """Lets go of autograd's graph."""
        self.results, self._produced, self._last_linear, self.outputs, self.compared = [], {}, None, (), {}

    def take_inputs(self, given: Mapping[str, Any]) -> None:
        self._given = next((tensor.detach() for tensor in tensors(given) if tensor.dim()), None)
        self._form = () if self._given is None else self._given.shape
        self.examples = self._form[0] if self._form else 0
        for name, value in given.items():
            for tensor in tensors(value):
                form = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape[1:])}
                self.given.setdefault(name, form)
                self._add("input", name, statistics.data_statistics(arranged(tensor, units_second(None, tensor.dim()))))

    def take_result(self, output: Any) -> None:
        """What the model returned. Functions after the last layer are known by it."""
        for tensor in tensors(output):
            self._follow(tensor)
            self.results.append(tensor.grad_fn)
        self.outputs = tuple(tensors(output))
        self._given = None

    def take_predictions(self) -> None:
        """What the model returned, where no loss tells what the predictions are."""
        for tensor in self.outputs:
            if tensor.is_floating_point():
                tensor = tensor.detach()
                numbers = statistics.data_statistics(arranged(tensor, units_second(None, tensor.dim())))
                self._add("prediction", "prediction", {**numbers, "extreme_share": statistics.extreme_share(tensor)})

    def take_loss(self, calls: Sequence[LossCall], generator: torch.Generator) -> str:
        """What a loss was given, the main one first; a later backward pass replaces an earlier one.

        Answers why the references of the main one are not known, "" where they are. generator: of our own.
        """
        reasons, self.own_loss = [], None
        self.data = {key: numbers for key, numbers in self.data.items() if key[0] == "input"}
        self.targets = self.agreement = self.loss = None
        self.compared = {}
        for call in calls:
            loss, row = self._take_call(call)
            numbers, reason = references(call, loss, generator)
            self.data[row] |= numbers
            reasons.append(reason)
            self.own_loss = self.own_loss if self.own_loss is not None else numbers.get("loss")
            if call.made is None:  # else it is joined of several passes, without their history
                self.compared[row] = call.predictions[0]
        first = calls[0].targets[0].shape[:1] if calls[0].targets else ()
        one = (
            first == (1,) == calls[0].predictions[0].shape[:1]
        )  # of a graph, or a bag, whose parts are on the first axis
        if first and (one or self._form[1:2] == first) and first != self._form[:1]:
            self.examples = first[0]  # a sequence has its steps in front of its examples
        return reasons[0]

    def _take_call(self, call: LossCall) -> tuple[Loss, tuple[str, str]]:
        """The loss, and the row of its prediction."""
        predictions, targets = call.predictions, [tensor.detach() for tensor in call.targets]
        layer = self._follow(call.made if call.made is not None else predictions[0]).as_is
        if call.made is None and self._runs_together(predictions[0]):
            self.viewed.append(LOSS)
        activation = self._activation_behind(layer)
        loss = described(call.kind, call.options, predictions[0], targets[0] if targets else None, activation)
        is_first, self.loss = self.loss is None, self.loss or loss
        for number, tensor in enumerate(targets):
            classes = loss.classes if number == 0 else None
            tensor = in_units(call.kind, tensor) if classes is None else counted(tensor, loss)
            self._add("target", "target", statistics.data_statistics(tensor, classes))
            if number == 0 and is_first and tensor.numel():
                self.targets = statistics.target_statistics(tensor, classes)
        rows = []
        for tensor in predictions:
            tensor = in_units(call.kind, tensor.detach())
            found = {**statistics.data_statistics(tensor), **_certainty(tensor, loss)}
            rows.append(self._add("prediction", "prediction", found))
        is_last = self._last_linear is not None and self._last_linear[0] == layer
        if is_first and is_last and activation and len(targets) == 1 and self._last_linear[1].dim() > 1:
            self.agreement = gradient_agreement(*self._last_linear[1:], targets[0], activation, loss)
        return loss, rows[0]

    def _take_output(self, path: str, module: nn.Module, output: Tensor) -> None:
        own, units = activation_name(module), output.shape[-1] if output.dim() else None
        if not self._selection.takes(path):
            self.calls.append(Call(path, Measured({}), {}, units))
            return
        following = FUNCTIONS if own in (None, "linear") else {}
        if not self._learns:
            following = {name: f for name, f in following.items() if name == self.activations.get(path)}
        under = {name: self._measured(f(output), name) if f else Measured({}) for name, f in following.items()}
        self.calls.append(Call(path, self._measured(output, own), under, units))

    def _measured(self, output: Tensor, activation: str | None) -> Measured:
        numbers = statistics.output_statistics(output, activation)
        return Measured(numbers, drawn_output(output) if self._counts else None)

    def _add(self, kind: str, name: str, numbers: statistics.Numbers) -> tuple[str, str]:
        taken = {known for of, known in self.data if of == kind}
        row = kind, unique(name, taken)
        self.data[row] = numbers
        return row

    def _follow(self, tensor: Tensor) -> Origin:
        found = origin(tensor, self._produced)
        for path, name in found.activations.items():
            if name != UNKNOWN or path not in self.activations:
                self.activations[path] = name
        return found

    def _activation_behind(self, path: str | None) -> str | None:
        """The last activation before the prediction, "linear" for none; None where more than a layer made it."""
        if path is None:
            return None
        return self.activations.get(path) or activation_name(self._structure.layers[path])


def _certainty(prediction: Tensor, loss: Loss) -> statistics.Numbers:
    """What only a prediction row has. Of several units under a binary loss each is a question of its own, no class."""
    if not prediction.numel():
        return {}
    numbers = {"extreme_share": statistics.extreme_share(prediction)}
    units = prediction.shape[-1] if prediction.dim() > 1 else 1
    if "Crossentropy" in loss.name and (units == 1 or "Categorical" in loss.name):
        numbers["majority_share"] = statistics.majority_share(prediction, 0.0 if loss.from_logits else 0.5)
    return numbers

"""What does an observed step show that belongs on the card? Calls of the model, broadcasts, untracked weights."""

from typing import Any

import keras
import tensorflow as tf

from tb_lossdiag.recording.broadcasts import broadcasts_between
from tb_lossdiag.recording.dropped import shares_dropped
from tb_lossdiag.recording.lineage import ancestors
from tb_lossdiag.recording.observation import ModelCall, Observation, graph_of
from tb_lossdiag.recording.swapped import swapped
from tb_lossdiag.recording.untracked import described, read_by


def choose_call(observation: Observation) -> None:
    """Takes the input and the output of the call whose output the loss was made of, where the model was called more
    than once and compute_loss was not given one.
    """
    calls = observation.model_calls
    if not calls and not observation.is_prediction_given:
        _take_what_the_loss_was_given(observation)
    if observation.is_prediction_given or len(calls) < 2:
        return
    calls = [call for call in calls if call.in_tape] or calls
    chosen = next((call for call in calls if _is_behind(observation.differentiated, call)), calls[0])
    observation.x, observation.y_pred = chosen.x, chosen.result


def _take_what_the_loss_was_given(observation: Observation) -> None:
    """A step of the user's own may call parts of its model, an encoder and a decoder say, and the model itself never.

    Where it calls one loss, this loss has the output and its target; of several nobody knows which is the model's.
    """
    if len(observation.losses) == 1:
        call = observation.losses[0]
        observation.y_pred = call.prediction
        if observation.y is None and observation.holds(call.target):
            observation.y = call.target


def facts_of(observation: Observation) -> dict[str, Any]:
    """By the names that ModelCard.settings has for them, those that there are."""
    calls = len(observation.model_calls)
    found = {
        "calls_per_step": calls if calls > 1 else None,
        "second_derivatives": observation.has_second_derivatives,
    }
    loss = observation.loss if observation.differentiated is None else observation.differentiated
    if observation.eager is not None:
        found["broadcasts"] = observation.eager.broadcasts
        read = observation.eager.unchanged(observation.watched)
        found["untracked"] = described(read, observation.model, observation.structure, observation.updated)
    elif loss is not None and graph_of(loss) is not None:
        found |= _in_graph(observation, loss)
    facts = {name: value for name, value in found.items() if value}
    if "broadcasts" in facts:
        facts["broadcasts"] = [one.to_dict() for one in facts["broadcasts"]]
    return facts


def _in_graph(observation: Observation, loss: tf.Tensor) -> dict[str, Any]:
    outputs = [one for call in observation.model_calls for one in call.outputs if _is_in(loss.graph, one)]
    inputs = [one for call in observation.model_calls for one in call.inputs if _is_in(loss.graph, one)]
    data = [*inputs, *keras.tree.flatten(observation.y)]
    found: dict[str, Any] = {
        "broadcasts": broadcasts_between(loss, outputs, data),
        "dropouts": shares_dropped(outputs, inputs),
        "swapped_arguments": swapped([*observation.losses, *observation.parts_of_losses], outputs),
    }
    if not tf.distribute.has_strategy():  # under one a variable has another handle in each replica
        read = read_by(outputs, inputs, observation.watched)
        found["untracked"] = described(read, observation.model, observation.structure, observation.updated)
    return found


def _is_behind(loss: Any, call: ModelCall) -> bool:
    """Whether a gradient flows from the loss into the call; of eager tensors nobody knows."""
    graph = None if loss is None else graph_of(loss)
    outputs = [] if graph is None else [one for one in call.outputs if _is_in(graph, one)]
    ops = {id(op) for op in ancestors([loss], differentiated=True)} if outputs else set()
    return any(id(output.op) in ops for output in outputs)


def _is_in(graph: Any, value: Any) -> bool:
    """Whether it is a tensor of the graph, and not one that is made of several, such as a sparse one."""
    return isinstance(value, tf.Tensor) and graph_of(value) is graph

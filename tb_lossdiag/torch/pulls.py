"""How hard does each part of a loss pull at the weights that several parts share? The norm of its gradient there.

Values do not tell: a loss of 1,000 may hardly depend on the weights, and one of 0.1 decide where they go. The graph is
differentiated part by part right before the training's own backward pass, which goes the same way and frees it. A part
counts as it does in the loss: it is multiplied by how much that grows with it.

Whatever somebody would notice is not done: where a hook would be called, a checkpoint computed anew, or code in Python
run once more.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction

from tb_lossdiag.recording.torch.statistics import as_float
from tb_lossdiag.torch.graph import MAX_NODES, Graph, graph_of
from tb_lossdiag.torch.peers import has_peers
from tb_lossdiag.torch.private import has_backward_hooks, is_transformed, keeps_saved_tensors_elsewhere

Key = TypeVar("Key", bound=Hashable)

MOST_PARTS = 8  # each costs a backward pass

# Why nothing was measured, each to follow "because".
AFTER = "loss_terms was called after the backward pass"
APART = "fewer than two of them are tensors that the differentiated loss is made of"
MANY = f"there are more than {MOST_PARTS}"
LARGE = "autograd's graph is too large"
PYTHON = "the backward pass calls code in Python, as that of a checkpoint or of a compiled model"
HOOKED = "somebody has hooks on gradients"
KEPT = "saved tensors are kept in a way of the training's own"
SEVERAL = "several processes take the step together"
WATCHED = "autograd looks for anomalies"
TRANSFORMED = "torch.func transforms the step"
UNSHARED = "no weight is reached by two of them"
FAILED = "autograd could not differentiate them"


class NotPulled(Exception):
    """It was not measured, and the reason why."""


def pulls(
    loss: Tensor, parts: Mapping[Key, Tensor], weights: Iterable[Tensor], modules: Iterable[nn.Module]
) -> dict[Key, Tensor]:
    """float32 [] of those that are parts of the loss and reach a shared weight. Raises NotPulled.

    loss: about to be differentiated. parts: terms of it, or outputs that it is made of. weights: that are trained.
    modules: of the model. One part that another is made of tells the other, and that one is left out.
    """
    graph = graph_of(loss)
    inside = {key: part for key, part in parts.items() if part.grad_fn is not None and part.grad_fn in graph.nodes}
    if len(inside) < 2:
        raise NotPulled(APART)
    if len(inside) > MOST_PARTS:
        raise NotPulled(MANY)
    reason = _reason_against(graph, modules)
    if reason:
        raise NotPulled(reason)
    graphs = {key: graph_of(part) for key, part in inside.items()}
    kept = [key for key in inside if not _holds_another(key, inside, graphs)]
    reached = Counter(leaf for key in kept for leaf in graphs[key].leaves)
    shared = [weight for weight in weights if reached[id(weight)] > 1]
    if not shared:
        raise NotPulled(UNSHARED)
    try:
        return _norms(loss, {key: inside[key] for key in kept}, shared)
    except Exception as error:  # such as a graph that was freed, or memory that is short
        raise NotPulled(FAILED) from error


def _reason_against(graph: Graph, modules: Iterable[nn.Module]) -> str:
    if has_peers():
        return SEVERAL
    if torch.is_anomaly_enabled():
        return WATCHED
    if is_transformed():
        return TRANSFORMED
    if keeps_saved_tensors_elsewhere():
        return KEPT
    if len(graph.nodes) >= MAX_NODES:
        return LARGE
    if any(isinstance(node, BackwardCFunction) for node in graph.nodes):
        return PYTHON
    return HOOKED if any(map(has_backward_hooks, (*graph.leaves.values(), *modules))) else ""


def _holds_another(key: Key, parts: Mapping[Key, Tensor], graphs: Mapping[Key, Graph]) -> bool:
    own = parts[key].grad_fn
    return any(part.grad_fn is not own and part.grad_fn in graphs[key].nodes for part in parts.values())


def _norms(loss: Tensor, parts: Mapping[Key, Tensor], shared: Sequence[Tensor]) -> dict[Key, Tensor]:
    found = {}
    slopes = torch.autograd.grad(loss, tuple(parts.values()), retain_graph=True, allow_unused=True)
    for (key, part), slope in zip(parts.items(), slopes, strict=True):
        if slope is None:
            continue
        gradients = torch.autograd.grad(part, shared, slope, retain_graph=True, allow_unused=True)
        norms = [_norm(gradient) for gradient in gradients if gradient is not None]
        if norms:
            found[key] = torch.linalg.vector_norm(torch.stack([norm.to(norms[0].device) for norm in norms]))
    return found


def _norm(gradient: Tensor) -> Tensor:
    values = gradient.coalesce().values() if gradient.is_sparse else gradient
    return torch.linalg.vector_norm(as_float(values))

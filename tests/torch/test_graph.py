"""Autograd's graph, walked back from a loss."""

import torch
from torch import nn

from tb_lossdiag.torch.graph import descends, graph_of


def test_a_losss_graph_has_the_leaves_that_get_a_gradient():
    model, own, data = nn.Linear(3, 1), torch.ones(1, requires_grad=True), torch.ones(4, 3)
    graph = graph_of((model(data) * own).mean())
    assert {id(leaf) for leaf in graph.leaves.values()} == {id(own), *map(id, model.parameters())}


def test_what_was_computed_from_an_output_descends_from_it():
    model = nn.Linear(3, 1)
    output, other = model(torch.ones(4, 3)), model(torch.ones(4, 3))
    assert descends(output.sigmoid().log(), {output.grad_fn})
    assert not descends(output.sigmoid(), {other.grad_fn})
    assert not descends(output.detach(), {output.grad_fn})

"""A tensor's history tells what was called between modules."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch.functions import FUNCTIONS, UNKNOWN, Origin, origin

LAYER = nn.Linear(4, 4)


def after(function):
    output = LAYER(torch.ones(2, 4))
    produced = {output.grad_fn: "fc"}
    return origin(function(output), produced)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (F.relu, "relu"),
        (torch.relu_, "relu"),
        (torch.sigmoid, "sigmoid"),
        (torch.tanh, "tanh"),
        (lambda x: F.softmax(x, -1), "softmax"),
        (lambda x: F.log_softmax(x, -1), "log_softmax"),
        (F.leaky_relu, "leaky_relu"),
        (F.elu, "elu"),
        (F.gelu, "gelu"),
        (F.silu, "silu"),
        (F.mish, "mish"),
        (F.softplus, "softplus"),
        (F.relu6, "relu6"),
        (torch.exp, "exponential"),
        (torch.sin, "sin"),
        (lambda x: x**2, "power"),
        (lambda x: x.clamp(0, 1), "clip"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_activation_called_as_a_function_belongs_to_the_layer_before_it(function, name):
    assert after(function) == Origin(("fc",), {"fc": name}, "fc")
    assert name in FUNCTIONS


def test_shapes_and_pooling_may_lie_between():
    found = after(lambda x: F.max_pool1d(F.relu(x.view(1, 2, 4)), 2).flatten(1))
    assert found == Origin(("fc",), {"fc": "relu"}, None)


def test_an_activation_of_something_computed_from_a_layer_leaves_its_own_unknown():
    assert after(lambda x: torch.softmax(x @ x.T, -1) @ x) == Origin(("fc",), {"fc": UNKNOWN}, None)
    assert after(lambda x: (x @ x.T) @ x) == Origin(("fc",), {}, None)
    both = after(lambda x: F.relu(x) * torch.tanh(x @ x.T).sum())
    assert both == Origin(("fc",), {"fc": "relu"}, None)


def test_a_sum_is_fed_by_both():
    first, second = LAYER(torch.ones(2, 4)), LAYER(torch.ones(2, 4))
    found = origin(F.relu(first) + second, {first.grad_fn: "a", second.grad_fn: "b"})
    assert sorted(found.feeds) == ["a", "b"]
    assert found.activations == {"a": "relu"}
    assert found.as_is is None


def test_a_layers_own_output_is_as_it_is_whatever_its_shape():
    assert after(lambda x: x.view(-1)).as_is == "fc"
    assert after(lambda x: x).as_is == "fc"
    assert origin(torch.ones(2), {}) == Origin()

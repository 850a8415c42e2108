"""The layers and parameters of a module, and what they are called."""

import torch
from torch import nn

from tb_lossdiag.torch.structure import bare, structure_of


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(4))
        self.fc = nn.Linear(4, 4)
        self.skip = nn.Identity()


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(10, 4)
        self.blocks = nn.Sequential(Block(), nn.Sequential(nn.LayerNorm(4), nn.ReLU()))
        self.attention = nn.MultiheadAttention(4, 2)
        self.head = self.blocks[0].fc
        self.query = nn.Parameter(torch.zeros(4))
        self.criterion = nn.MSELoss()


def test_layers_are_modules_without_inner_ones_and_those_with_parameters_of_their_own():
    assert list(structure_of(Model()).layers) == [
        *("tokens", "blocks/0", "blocks/0/fc", "blocks/1/0", "blocks/1/1", "attention"),
    ]


def test_a_parameters_last_name_is_its_role():
    assert structure_of(Model()).owners == {
        "query": "Model",
        "tokens/embeddings": "tokens",
        "blocks/0/gain": "blocks/0",
        "blocks/0/fc/weight": "blocks/0/fc",
        "blocks/0/fc/bias": "blocks/0/fc",
        "blocks/1/0/gamma": "blocks/1/0",
        "blocks/1/0/beta": "blocks/1/0",
        "attention/in_proj_weight": "attention",
        "attention/in_proj/bias": "attention",
        "attention/out_proj/weight": "attention",
        "attention/out_proj/bias": "attention",
    }


def test_a_model_that_is_one_layer_is_called_by_its_class():
    structure = structure_of(nn.Linear(2, 1))
    assert list(structure.layers) == ["Linear"]
    assert structure.owners == {"weight": "Linear", "bias": "Linear"}


def test_frozen_parameters_are_left_out():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False))
    assert list(structure_of(model).parameters) == ["0/weight", "0/bias"]


def test_a_compiled_model_is_the_one_inside():
    model = nn.Linear(2, 2)
    assert bare(torch.compile(model)) is model

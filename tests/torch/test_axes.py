"""Units come last, the batch first, wherever torch has them."""

import torch
from torch import nn

from tb_lossdiag.torch.axes import arranged, units_second


def test_channels_are_second_behind_convolutions_and_last_behind_linear_layers():
    assert units_second(nn.Conv1d(1, 1, 1), 3)
    assert units_second(nn.BatchNorm1d(2), 2)
    assert not units_second(nn.Linear(1, 1), 4)
    assert not units_second(nn.LSTM(1, 1), 3)


def test_an_activation_has_them_where_the_layer_before_had_them():
    assert units_second(nn.ReLU(), 3, inherited=True)
    assert not units_second(nn.ReLU(), 4, inherited=False)
    assert not units_second(nn.Flatten(), 2, inherited=True)


def test_unknown_images_have_channels_second():
    assert units_second(None, 4)
    assert not units_second(None, 3)


def test_a_sequence_with_its_batch_second_is_turned():
    assert arranged(torch.zeros(7, 2, 5), False, nn.LSTM(1, 5)).shape == (2, 7, 5)
    assert arranged(torch.zeros(2, 7, 5), False, nn.LSTM(1, 5, batch_first=True)).shape == (2, 7, 5)
    assert arranged(torch.zeros(2, 3, 8, 9), True).shape == (2, 8, 9, 3)

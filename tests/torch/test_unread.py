"""Losses that are read later: the same as if each had been read at once."""

import torch

from tb_lossdiag.torch.unread import Unread


def test_each_loss_is_told_whenever_and_as_often_as_it_is_asked_for():
    unread = Unread()
    first, second = unread.add(torch.tensor(2.0)), unread.add(torch.tensor(3.0, dtype=torch.float64))
    assert second() == 3.0
    third = unread.add(torch.tensor(0.5, dtype=torch.bfloat16))
    assert [first(), second(), third()] == [2.0, 3.0, 0.5]

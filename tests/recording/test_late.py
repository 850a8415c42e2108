"""Losses that are read later than their step: the same as if they had been read at once."""

import pytest

from tb_lossdiag.recording.late import LateLosses


class Device:
    """A loss on a device: reading it is counted."""

    def __init__(self, value):
        self.value, self.reads = value, 0

    def __float__(self):
        self.reads += 1
        return self.value


def test_no_loss_is_read_before_one_is_asked_for_and_then_each_once():
    losses = LateLosses()
    means = [Device(mean) for mean in (4.0, 3.0, 2.5)]
    asked = [losses.report(mean) for mean in means]
    assert [mean.reads for mean in means] == [0, 0, 0]
    assert [ask() for ask in asked] == pytest.approx([4.0, 2.0, 1.5])
    assert [mean.reads for mean in means] == [1, 1, 1]


def test_a_new_epoch_starts_a_new_mean_whenever_it_is_read():
    losses = LateLosses()
    first = [losses.report(Device(mean)) for mean in (4.0, 3.0)]
    losses.start_epoch()
    second = [losses.report(Device(mean)) for mean in (1.0, 2.0)]
    assert losses.count == 2
    assert second[1]() == pytest.approx(3.0)
    assert first[1]() == pytest.approx(2.0)


def test_what_was_learned_holds_for_the_steps_after_it():
    losses = LateLosses()
    before = [losses.report(Device(loss)) for loss in (4.0, 3.0)]
    losses.learn(3.0)  # a train_step that reports the batch loss itself
    assert losses.report(Device(2.0))() == 2.0
    assert before[1]() == pytest.approx(2.0)

"""BatchLoss: the batch's own loss comes back out of float32 running means, or not at all."""

import math

import numpy as np
import pytest

from tb_lossdiag.recording.running_mean import BatchLoss


def running_means(losses) -> list[float]:
    """What Keras's Mean metric reports: float32 total over float32 count."""
    total, count, means = np.float32(0), np.float32(0), []
    for loss in losses:
        total += np.float32(loss) * np.float32(32)
        count += np.float32(32)
        means.append(float(total / count))
    return means


def test_batch_losses_come_back_within_one_percent_or_as_gaps():
    losses = np.exp(np.random.default_rng(0).normal(0, 1, 3000)) * np.linspace(2, 1e-3, 3000)
    recovery = BatchLoss()
    found = [recovery.recover(mean) for mean in running_means(losses)]
    kept = [(value, loss) for value, loss in zip(found, losses, strict=True) if value is not None]
    assert all(math.isclose(value, loss, rel_tol=0.01) for value, loss in kept)
    assert len(kept) > 1500
    assert None in found


def test_reported_once_in_several_steps_it_is_their_mean():
    means, recovery = running_means([3.0, 1.0, 5.0, 2.0, 6.0]), BatchLoss()
    assert recovery.recover(means[1], 2) == pytest.approx(2.0)
    assert recovery.recover(means[2], 1) == pytest.approx(5.0)
    assert recovery.recover(means[4], 2) == pytest.approx(4.0)
    assert recovery.count == 5


def test_each_epoch_starts_a_mean_of_its_own():
    recovery = BatchLoss()
    for mean in running_means([3.0, 2.0]):
        recovery.recover(mean)
    recovery.start_epoch()
    assert recovery.recover(1.25) == 1.25


def test_the_first_nan_is_reported_and_what_follows_it_is_a_gap():
    recovery = BatchLoss()
    assert recovery.recover(2.0) == 2.0
    assert math.isnan(recovery.recover(math.nan))
    assert recovery.recover(math.nan) is None


@pytest.mark.parametrize("logged", ["mean", "batch"])
def test_a_custom_step_may_log_the_mean_or_the_batch_loss(logged):
    losses = [3.0, 2.0, 1.5, 1.0, 0.7]
    reports = running_means(losses) if logged == "mean" else losses
    recovery = BatchLoss()
    for report, loss in zip(reports[:3], losses, strict=False):
        recovery.recover(report)
        recovery.learn(loss)
    assert recovery.recover(reports[3]) == pytest.approx(1.0, rel=1e-3)


def test_a_report_that_is_neither_gives_gaps():
    recovery = BatchLoss()
    for report, loss in ((9.0, 3.0), (7.0, 2.0), (5.0, 1.0)):
        recovery.recover(report)
        recovery.learn(loss)
    assert recovery.recover(4.0) is None

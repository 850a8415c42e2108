import pytest

from tb_lossdiag.diagnosis.moving_statistics import left_of_start
from tb_lossdiag.run import LayerCard


def norm(path="norm", **settings):
    return LayerCard(path, "BatchNormalization", parameters=128, units=64, settings=settings)


def test_the_slowest_layer_counts():
    left, path = left_of_start([norm("fast", momentum=0.9), norm("slow", momentum=0.999)], 100)
    assert path == "slow" and left == pytest.approx(0.999**100)


def test_a_layer_that_does_not_tell_has_kerass_momentum():
    assert left_of_start([norm(momentum="fast")], 10)[0] == left_of_start([norm()], 10)[0] == pytest.approx(0.99**10)


def test_statistics_that_never_move_keep_all_of_their_start():
    assert left_of_start([norm(momentum=1.0)], 1000)[0] == 1


@pytest.mark.parametrize("momentum", [1e300, -0.5, 1.5])
def test_a_momentum_that_no_framework_takes_is_left_out(momentum):
    assert left_of_start([norm(momentum=momentum)], 400) == left_of_start([], 400) == (0.0, "")

import keras
import pytest

from tb_lossdiag.recording.rates import those_that_step


def built(optimizer, size):
    optimizer.build([keras.Variable(keras.ops.zeros((size,)))])
    return optimizer


SMALL, LARGE = built(keras.optimizers.SGD(), 2), built(keras.optimizers.Adam(), 9)
UNUSED = keras.optimizers.RMSprop()


@pytest.mark.parametrize(("given", "seen", "wanted"), [
    (UNUSED, (), [UNUSED]), (None, (), []), (SMALL, (SMALL,), [SMALL]), (UNUSED, (SMALL,), [SMALL]),
    (UNUSED, (SMALL, LARGE), [LARGE, SMALL]), (None, (LARGE,), [LARGE]), (SMALL, (SMALL, LARGE), [SMALL]),
])  # fmt: skip
def test_the_optimizers_that_were_seen_to_step_are_told_where_the_given_one_was_not(given, seen, wanted):
    assert those_that_step(given, seen) == wanted


def test_one_that_scales_the_loss_is_the_one_that_steps():
    scaled = keras.optimizers.LossScaleOptimizer(SMALL)
    assert those_that_step(scaled, (SMALL,)) == [scaled]

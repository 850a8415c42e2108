"""What clipping leaves of a gradient, against Keras's own clipping."""

import keras
import pytest
import torch

from tb_lossdiag.recording.torch.clipping import clip_factor

GRADIENTS = [torch.tensor([3.0, -4.0]), torch.tensor([[0.1, 0.0], [0.2, -0.1]]), torch.zeros(3)]


def whole(gradients):
    return float(torch.cat([gradient.flatten() for gradient in gradients]).double().norm())


def factor(optimizer, gradients, scale=None):
    norms = torch.stack([gradient.norm() for gradient in gradients]) / (scale or 1.0)
    found = clip_factor(optimizer, gradients, norms, scale)
    return None if found is None else float(found)


CLIPS = {"clipnorm": 0.2}, {"global_clipnorm": 2.0}, {"global_clipnorm": 9.0}, {"clipvalue": 1.0}


@pytest.mark.parametrize("scale", [None, 64.0])
@pytest.mark.parametrize("clip", CLIPS)
def test_it_is_the_share_of_the_norm_that_keras_leaves(clip, scale):
    optimizer = keras.optimizers.SGD(**clip)
    given = [gradient * (scale or 1.0) for gradient in GRADIENTS]
    kept = whole(optimizer._clip_gradients(GRADIENTS)) / whole(GRADIENTS)
    assert factor(optimizer, given, scale) == pytest.approx(kept, rel=1e-5)


def test_it_is_not_known_without_clipping_nor_of_a_sum_over_steps_nor_of_a_broken_gradient():
    assert factor(keras.optimizers.SGD(), GRADIENTS) is None
    assert factor(keras.optimizers.SGD(clipnorm=1.0, gradient_accumulation_steps=2), GRADIENTS) is None
    broken = factor(keras.optimizers.SGD(global_clipnorm=1.0), [torch.tensor([torch.nan, 1.0])])
    assert broken != broken
    assert factor(keras.optimizers.SGD(global_clipnorm=1.0), [torch.zeros(2)]) == 1.0

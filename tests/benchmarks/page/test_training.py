import numpy as np

from benchmarks.page.training import DECADES, LEAP, card, gradient_norms, names


def test_layers_lie_in_modules_and_none_twice():
    found = names(120)
    assert found[0] == "stage_0/block_0/dense_0"
    assert found[119] == "stage_2/block_3/dense_4"
    assert len(set(found)) == 120


def test_every_layer_has_a_kernel_and_an_output_row():
    model = card(120)
    assert [row.kind for row in model.rows[:2]] == ["variable", "output"]
    assert len(model.rows) == 240


def test_the_gradient_vanishes_towards_the_input_and_leaps_once():
    norms = gradient_norms(50)
    fall = np.log10(np.median(norms[:, -1]) / np.median(norms[:, 0]))
    assert abs(fall - DECADES) < 0.1
    assert (np.argmax(norms, axis=0) == LEAP).all()

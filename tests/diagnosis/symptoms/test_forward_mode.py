from dataclasses import replace

import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.forward_mode import LOST, check
from tb_lossdiag.run import LayerCard, Run

NORM = LayerCard("norm", "BatchNormalization", parameters=128, units=64)
DROP = LayerCard("drop", "Dropout", settings={"rate": 0.5})


def trained(*layers: LayerCard, modes=None, evaluated=None, **changes) -> Run:
    """modes: 1 for training mode at each sample; evaluated: the loss in evaluation mode."""
    card = s.card(**changes)
    run = s.healthy(card=replace(card, layers=(*card.layers[:1], *layers, *card.layers[1:])))
    columns = {name: value for name, value in (("training_mode", modes), ("evaluation_loss", evaluated))
               if value is not None}  # fmt: skip
    return replace(run, steps={**run.steps, **a.sampled(**columns)})


def fault(run: Run) -> str:
    return check(run).sign("fault")


def test_a_model_that_normalises_and_was_never_in_training_mode():
    found = check(trained(NORM, modes=0.0))
    assert found.found and found.sign("fault") == "never" and found.sign("normalizes")
    assert found.layers == ("norm",) and found.onset == 1


def test_a_model_that_was_put_into_evaluation_mode_and_stayed_there():
    modes = (np.arange(len(a.STEPS)) < 10).astype(float)
    found = check(trained(NORM, modes=modes))
    assert found.sign("fault") == "ceased" and found.onset == a.STEPS[10]


@pytest.mark.parametrize("modes", [1.0, (np.arange(len(a.STEPS)) % 4 > 0).astype(float)])
def test_training_mode_and_looks_in_evaluation_mode_in_between_are_sound(modes):
    assert check(trained(NORM, modes=modes)).state == "not_found"


@pytest.mark.parametrize("layer", [
    replace(NORM, trainable=False),  # frozen on purpose
    replace(NORM, settings={"moving_mean": 0.4, "moving_variance": 2.0}),  # pretrained, its statistics used on purpose
    LayerCard("layer_norm", "LayerNormalization", parameters=128), replace(DROP, settings={"rate": 0.0}),
])  # fmt: skip
def test_without_a_layer_that_minds_the_mode_does_not_matter(layer):
    assert check(trained(layer, modes=0.0)).state == "not_found"


def test_dropout_minds_but_does_not_normalise():
    found = check(trained(DROP, modes=0.0))
    assert found.found and not found.sign("normalizes")


@pytest.mark.parametrize(("lost", "expected"), [(LOST - 0.1, "usual"), (LOST + 0.1, "worse"), (3.0, "worse")])
def test_a_mode_that_loses_what_was_gained(lost, expected):
    run = trained(NORM, modes=1.0)
    guess, at = np.log(s.CLASSES), run.steps["loss"].values[a.STEPS - 1]
    worse = at + lost * (guess - at)
    assert fault(trained(NORM, modes=1.0, evaluated=worse)) == expected


def test_evaluation_that_scores_better_as_without_dropout_is_sound():
    assert fault(trained(DROP, modes=1.0, evaluated=0.1)) == "usual"
    assert fault(trained(DROP, evaluated=0.1)) == "same"


def test_statistics_that_still_warm_up_are_no_fault_yet():
    assert fault(trained(NORM, modes=1.0, evaluated=9.0, epochs=1000)) == "usual"
    assert fault(trained(NORM, modes=1.0, evaluated=9.0)) == "worse"


def test_without_modes_it_is_not_run():
    assert check(s.healthy()).state == "not_run"

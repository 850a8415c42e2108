"""The loss on other outputs than the model's, on JAX: what Keras computes of the same arrays; the fit is the same."""

import numpy as np
import pytest
from recording.loss_kinds import kinds_and_ways
from recording.loss_references import NAMES
from recording.reading import Records

from tb_lossdiag.recording.effects import COUNTS
from tb_lossdiag.recording.references import CHANGES, DRAWS, IN_STEP, READS

WAYS = ("compiled", "not compiled")
UNSAFE = {
    "a seed generator": (DRAWS,),
    "a variable": (CHANGES, COUNTS),
    "a count": (COUNTS,),
    "a model that trains": (READS,),
    "a print": ("the loss has an effect",),
}


# Keras's cosine similarity has no gradient but NaN here.
@pytest.mark.parametrize(("name", "way"), [pair for pair in kinds_and_ways(list(WAYS)) if pair[0] != "cosine"])
def test_they_are_those_that_keras_computes_and_the_fit_ends_with_the_same_bits(trained, name, way):
    of_losses, name = trained("losses"), f"{way} {name}"
    facts, records = of_losses.facts[name], Records(of_losses.log(name))
    numbers = {column: float(records.data("prediction:out", column)[0]) for column in NAMES}
    assert numbers == pytest.approx(facts.pop("expected"), rel=2e-4, abs=2e-6, nan_ok=True)
    assert facts == {"same": True, "history": True, "warned": []}
    assert "not_measured" not in records.card.settings
    assert records.card.settings["loss_shapes"]["prediction"][0] is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", UNSAFE)
def test_a_loss_with_an_effect_is_not_called_again_and_the_card_says_why(trained, name, way):
    of_losses, log = trained("losses"), f"{way} {name}"
    records = Records(of_losses.log(log))
    assert records.card.settings["not_measured"].startswith(UNSAFE[name])
    assert np.isnan(records.data("prediction:out", "loss_shuffled")).all()
    assert np.isfinite(records.data("prediction:out", "loss")).all()
    traced_anew = name == "a count" and way == "compiled"  # each trace counts
    assert of_losses.facts[log] == {"same": True, "history": True, "warned": []} or traced_anew


def test_a_step_of_the_users_own_that_writes_its_loss_out_is_told_of(trained):
    assert Records(trained("odd").log("Custom")).card.settings["not_measured"] == IN_STEP

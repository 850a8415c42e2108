from dataclasses import replace

import pytest
import synthetic as s

from tb_lossdiag.diagnosis.symptoms.trainable import check
from tb_lossdiag.run import LayerCard


def frozen(*names, **changes):
    card = s.card()
    for name in names:
        card = s.with_layer(card, name, trainable=False)
    left = sum(layer.parameters for layer in card.layers if layer.trainable)
    return s.healthy(card=replace(card, trainable_parameters=left, **changes))


def test_frozen_layers_are_named_with_their_share():
    run = frozen("hidden_1", "hidden_2")
    found = check(run)
    share = 1 - run.card.trainable_parameters / run.card.parameters
    assert (found.state, found.layers, found.onset) == ("found", ("hidden_1", "hidden_2"), 0)
    assert found.sign("nothing") is False and found.sign("frozen_share") == found.evidence[0].value == pytest.approx(
        share
    )
    assert f"2 of 4 layers are frozen (hidden_1, hidden_2), {share:.0%}" in found.evidence[0].text


def test_a_model_without_trainable_variables_says_so():
    found = check(frozen(*s.UNITS))
    assert found.sign("nothing") is True and "No variable" in found.evidence[0].text


def test_variables_can_be_untrainable_though_every_layer_says_otherwise():
    found = check(s.healthy(card=s.card(trainable_parameters=0)))
    assert found.sign("nothing") is True and found.layers == ()


def test_a_frozen_layer_without_weights_is_no_finding():
    flat = LayerCard("flat", "Flatten", trainable=False)
    assert check(s.healthy(card=s.card(layers=(flat, *s.card().layers)))).state == "not_found"


def test_a_model_without_parameters_has_nothing_frozen():
    card = s.card(layers=(LayerCard("flat", "Flatten"),), parameters=0, trainable_parameters=0)
    assert check(s.healthy(card=card)).state == "not_found"


@pytest.mark.parametrize(("std", "untrained"), [(1.0, True), (1.2, False)])
def test_frozen_layers_that_hold_what_their_initialiser_drew_are_told(std, untrained):
    start = {"kernel": {"name": "HeNormal", "config": {}}}
    card = s.with_layer(s.card(), "hidden_1", trainable=False, initializers=start)
    spread = card.layer("hidden_1").settings["kernel_std"]
    found = check(s.healthy(card=s.with_layer(card, "hidden_1", {"kernel_std": std * spread})))
    assert found.sign("untrained") is untrained
    assert ("'hidden_1' holds what its initialiser drew" in found.evidence[0].text) is untrained


def test_without_layers_there_is_nothing_to_check():
    assert check(s.healthy(card=s.card(layers=()))).state == "not_run"

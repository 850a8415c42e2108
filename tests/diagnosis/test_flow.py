from dataclasses import replace

import synthetic as s

from tb_lossdiag.diagnosis.flow import cuts_inside, feeds, heads_beside, is_passed_by
from tb_lossdiag.run import LayerCard, ModelCard


def chain(**changes) -> ModelCard:
    """in -> trunk -> body -> head, and a second head behind the trunk that nothing follows."""
    layers = (
        LayerCard("trunk", "Dense"),
        LayerCard("body", "Dense", inputs=("trunk",)),
        LayerCard("head", "Dense", inputs=("body",)),
        LayerCard("spare", "Dense", inputs=("trunk",)),
    )
    return ModelCard(layers=tuple(replace(layer, **changes.get(layer.path, {})) for layer in layers))


def test_what_lies_in_front_is_followed_through_all_layers():
    assert feeds(chain(), "head") == {"body", "trunk"} and feeds(chain(), "trunk") == set()
    assert feeds(chain(), "unknown") == set()


def test_an_output_beside_another_is_fed_by_the_same_layers_and_feeds_none():
    assert heads_beside(chain(), "head") == {"spare"} and heads_beside(chain(body={"inputs": ()}), "head") == set()
    assert heads_beside(chain(head={"inputs": ("spare", "body")}), "head") == set()


def test_a_ring_ends():
    ring = ModelCard(layers=(LayerCard("a", "Dense", inputs=("b",)), LayerCard("b", "Dense", inputs=("a",))))
    assert feeds(ring, "a") == {"a", "b"}


def test_unreached_layers_in_front_of_reached_ones_are_a_cut():
    assert cuts_inside(chain(), {"trunk", "body"}, {"head"})


def test_a_head_that_no_loss_uses_is_none():
    assert not cuts_inside(chain(), {"spare"}, {"trunk", "body", "head"})
    assert not cuts_inside(None, {"trunk"}, {"head"}) and not cuts_inside(chain(), {"other"}, {"head"})


def test_what_was_trained_before_is_left_out_on_purpose():
    drawn = {"name": "GlorotUniform", "config": {}}
    trained = {"kernel_std": 0.4, "kernel_mean": 0.01, "kernel_fan_in": 64.0, "bias_min": -0.3, "bias_max": 0.4}
    facts = {"units": 64, "initializers": {"kernel": drawn}, "settings": trained}
    assert not cuts_inside(chain(trunk=facts, body=facts), {"trunk", "body"}, {"head"})
    fresh = facts | {"settings": {"kernel_std": (2 / 128) ** 0.5, "kernel_mean": 0.0, "kernel_fan_in": 64.0,
                                  "bias_min": 0.0, "bias_max": 0.0}}  # fmt: skip
    assert cuts_inside(chain(trunk=facts, body=fresh), {"trunk", "body"}, {"head"})


def test_the_healthy_card_has_no_way_of_the_data():
    assert not cuts_inside(s.card(), {"hidden_1"}, {"output"})


def test_a_score_beside_what_it_weighs_is_passed_by_and_a_link_of_a_chain_is_not():
    def linked(**inputs):
        return s.card(layers=tuple(LayerCard(name, "Dense", inputs=given) for name, given in inputs.items()))

    scored = linked(words=(), score=("words",), out=("words", "score"))
    assert is_passed_by(scored, "score") and not is_passed_by(scored, "words")
    narrow = linked(first=(), code=("first",), out=("code",))
    assert not any(is_passed_by(narrow, name) for name in ("first", "code", "out"))
    assert not is_passed_by(None, "out")

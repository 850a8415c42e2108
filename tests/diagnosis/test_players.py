import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis.players import compares_passes, gains_weight, plays_against_itself
from tb_lossdiag.run import Row, Run

WARMED_UP = 30 * a.STEPS / 400


def with_terms(**terms):
    return a.with_terms(s.healthy(data=a.table({})), terms)


def test_several_optimizers_play():
    two = s.with_rows(s.data_table(), (Row("rate:d", "rate"), Row("rate:g", "rate")))
    one = s.with_rows(s.data_table(), (Row("rate:only", "rate"),))
    assert plays_against_itself(s.healthy(data=two))
    assert not plays_against_itself(s.healthy(data=one)) and not plays_against_itself(s.healthy())


def test_a_term_that_comes_up_from_nothing_explains_the_rise():
    assert gains_weight(with_terms(data=a.along(10, 4), kl=WARMED_UP))


@pytest.mark.parametrize("terms", [
    {"data": a.along(4, 10), "kl": WARMED_UP},  # the data's part rises too
    {"data": a.along(10, 4), "kl": 5 + WARMED_UP},  # it was there from the start
    {"data": a.along(10, 4), "kl": WARMED_UP / 30},  # the sum does not rise
    {"data": np.nan, "kl": WARMED_UP}, {"kl": WARMED_UP},
])  # fmt: skip
def test_another_rise_is_not_explained(terms):
    assert not gains_weight(with_terms(**terms))


def critic(values, calls=2, name="") -> Run:
    card = s.card(loss={"name": name} if name else {}, settings={"calls_per_step": calls})
    return s.healthy(card=card, steps=s.loss(values))


def test_a_loss_by_hand_of_several_passes_that_goes_below_zero_compares_them():
    swinging = np.sin(np.arange(400) / 20)
    assert compares_passes(critic(swinging))
    assert not compares_passes(critic(swinging, calls=1))
    assert not compares_passes(critic(swinging + 2))
    assert not compares_passes(critic(swinging, name="cosine_similarity"))

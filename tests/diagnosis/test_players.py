import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.players import compares_passes, gains_weight, is_spent, plays_against_itself
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


def gain(end: float, sign: float = -1.0) -> Run:
    """A run whose loss is so many times a binary cross-entropy that ends here."""
    loss = s.flat(end, 0.01 * end)
    card = a.own(loss={"name": "BinaryCrossentropy"})
    return a.run(sign * loss, {"loss": loss[a.STEPS - 1], "loss_shuffled": end, "loss_constant": end / 2}, card=card)


def test_minus_a_cross_entropy_that_is_0_is_a_gain_at_its_flat_end():
    assert "1e-05" in is_spent(gain(1e-5))
    report = diagnose_run(gain(1e-5))
    assert report.causes[0].id == "saturated_loss"


@pytest.mark.parametrize("run", [gain(0.5), gain(1e-5, sign=1.0)])
def test_one_that_is_not_0_and_a_cross_entropy_itself_are_not(run):
    assert is_spent(run) is None

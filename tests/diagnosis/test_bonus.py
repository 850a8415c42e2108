import asked_losses as a
import numpy as np
import pytest
import synthetic as s

from tb_lossdiag.diagnosis import diagnose_run
from tb_lossdiag.diagnosis.bonus import keeps_all_alike

LN4 = -float(np.log(4))


def policy(weight, entropy, policy=0.002, name="entropy_loss"):
    """A run with two terms, the entropy of four choices among them; weight: of it in the loss, of every step."""
    loss = np.full(400, weight * entropy + policy)
    card = s.with_layer(a.own(), "output", units=4, activation="linear")
    run = s.healthy(card=card, steps=s.loss(loss), targets=None)
    return a.with_terms(run, {"policy_loss": np.full(len(a.STEPS), policy), name: np.full(len(a.STEPS), entropy)})


def test_a_bonus_that_is_as_high_as_it_can_be_and_all_of_the_loss_is_told():
    run = policy(0.1, 0.998 * LN4)
    assert "4 choices" in keeps_all_alike(run)
    causes = diagnose_run(run).causes
    assert causes[0].id == "penalty_dominates" and causes[0].severity == "warning"


@pytest.mark.parametrize("run", [
    policy(0.1, 0.6 * LN4),  # a policy that has learned
    policy(0.001, 0.998 * LN4),  # a bonus that counts for less than what is to be learned
    policy(0.1, 0.998 * LN4, name="cross_entropy"),
    policy(0.1, 1.3),  # as high as of no number of choices
])  # fmt: skip
def test_another_entropy_is_not(run):
    assert keeps_all_alike(run) is None

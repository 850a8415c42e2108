"""The loss on other outputs than the model's, of Keras on PyTorch: what Keras computes of the same arrays, and the fit
stays as it is.
"""

import random

import numpy as np
import pytest
import torch
from recording.loss_kinds import (
    EXAMPLES,
    KINDS,
    Balanced,
    Noisy,
    Perceptual,
    counting,
    model_of,
    squares,
    vectors,
)
from recording.loss_references import NAMES, expected
from recording.reading import Records
from recording.small_models import same
from recording.torch_fits import OwnStep, fit

from tb_lossdiag.recording.effects import COUNTS, PRINTS
from tb_lossdiag.recording.references import CHANGES, DRAWS, IN_STEP, dealing


def compared(folder, kind, make, **options):
    """The records of a fit that ends as it does without us."""
    settings = {"build": lambda: model_of(kind), "data": lambda: (vectors(), kind.targets()), "every": 1}
    settings |= {"batch_size": EXAMPLES, "shuffle": False, **options}
    bare, plain, _ = fit(None, compiled={"loss": make()}, **settings)
    recorded, history, warned = fit(folder, compiled={"loss": make()}, **settings)
    assert same(bare, recorded) and history == plain and not warned
    return Records(folder)


# Keras's cosine similarity has no gradient but NaN here.
@pytest.mark.parametrize("name", [name for name in KINDS if name != "cosine"])
def test_they_are_those_that_keras_computes_and_the_fit_ends_with_the_same_bits(tmp_path, name):
    kind = KINDS[name]
    numbers = expected(name, kind, model_of(kind), vectors(), kind.targets(), dealing(EXAMPLES))
    records = compared(tmp_path, kind, kind.make)
    found = {column: float(records.data("prediction:out", column)[0]) for column in NAMES}
    assert found == pytest.approx(numbers, rel=2e-4, abs=2e-6, nan_ok=True)
    assert "not_measured" not in records.card.settings
    assert records.card.settings["loss_shapes"]["prediction"][0] is None


def test_sample_weights_stay_where_they_are(tmp_path):
    weight = np.linspace(0.0, 2.0, EXAMPLES).astype("float32")
    records = compared(tmp_path, KINDS["huber"], KINDS["huber"].make, sample_weight=weight)
    assert records.data("prediction:out", "loss") == pytest.approx(list(records.column("loss").values()), rel=1e-5)


def noise(y, p):
    return squares(y, p + 0.1 * torch.randn_like(p))


def chance(y, p):
    return squares(y, p) * (1.0 + random.random())


def printing(y, p):
    print(end="")
    return squares(y, p)


class Momentum:
    """Keeps what it has seen in a tensor of its own, which it changes in place."""

    def __init__(self):
        self.kept = torch.zeros(())

    def __call__(self, y, p):
        values = squares(y, p)
        self.kept.mul_(0.9).add_(0.1 * values.detach().mean())
        return values + self.kept


UNSAFE = {
    "torch's random numbers": (lambda: noise, DRAWS),
    "python's random numbers": (lambda: chance, DRAWS),
    "a seed generator": (Noisy, DRAWS),
    "a variable": (Balanced, COUNTS),
    "a count": (counting, COUNTS),
    "a tensor of its own": (Momentum, COUNTS),
    "a model that trains": (lambda: Perceptual(True), CHANGES),
    "a print": (lambda: printing, PRINTS),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_a_loss_with_an_effect_is_not_called_again_and_the_card_says_why(tmp_path, name):
    make, reason = UNSAFE[name]
    states = torch.get_rng_state(), random.getstate()

    def made():
        torch.set_rng_state(states[0])
        random.setstate(states[1])
        return make()

    records = compared(tmp_path, KINDS["huber"], made)
    assert records.card.settings["not_measured"] == reason
    assert np.isnan(records.data("prediction:out", "loss_shuffled")).all()
    assert np.isfinite(records.data("prediction:out", "loss")).all()


def test_a_loss_that_changes_its_targets_in_place_gets_copies(tmp_path):
    def make():
        def loss(y, p):
            y = y.add_(1.0) if y.dtype == torch.float32 else y
            return squares(y, p)

        return loss

    assert np.isfinite(compared(tmp_path, KINDS["huber"], make).data("prediction:out", "loss_shuffled")).all()


def test_a_step_of_the_users_own_that_writes_its_loss_out_is_told_of(tmp_path):
    fit(tmp_path, OwnStep)
    assert Records(tmp_path).card.settings["not_measured"] == IN_STEP

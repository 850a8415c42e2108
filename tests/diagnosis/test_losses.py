import pytest
import synthetic as s

from tb_lossdiag.diagnosis.losses import least, loss_name, loss_names


@pytest.mark.parametrize(("written", "name"), [
    ("mse", "mse"), ("MeanSquaredError", "mean_squared_error"), ("CategoricalCrossentropy", "categorical_crossentropy"),
    ("Huber", "huber"), ("my_loss", "my_loss"), (None, "none"), (3, "3"),
    ("CTCLoss", "ctc_loss"), ("CTC", "ctc"), ("NLLLoss", "nll_loss"), ("SmoothL1Loss", "smooth_l1_loss"),
    ("KLDivergence", "kl_divergence"),
])  # fmt: skip
def test_a_loss_has_one_name_however_it_was_given(written, name):
    assert loss_name(s.card(loss={"name": written})) == name


def test_each_output_has_the_name_of_its_own_loss():
    several = {"name": "Huber", "outputs": [{"name": "Huber"}, {"name": "BinaryCrossentropy"}]}
    assert loss_names(s.card(loss=several), 2) == ("huber", "binary_crossentropy")
    assert loss_names(s.card(loss={"name": "mse"}), 2) == ("mse", "mse")
    assert loss_names(s.card(loss={**several, "outputs": ["?", 3]}), 2) == ("", "")


@pytest.mark.parametrize("name", ["mse", "huber", "hinge", "binary_crossentropy", "ctc", "ctc_loss"])
def test_distances_and_entropies_are_not_below_zero(name):
    assert least(name) == 0.0


@pytest.mark.parametrize("name", ["poisson", "cosine_similarity", "my_loss", "kl_divergence", ""])
def test_of_other_losses_no_least_value_is_known_by_name(name):
    assert least(name) is None

"""Which loss is it, and how low can it come? Keras's name for it, and the least value that its definition allows."""

import re
from collections.abc import Mapping
from typing import Any

from tb_lossdiag.run import ModelCard

# What these measure cannot be less than nothing: distances, entropies against hard or soft labels, hinges, shares.
NOT_BELOW_ZERO = {
    "mean_squared_error", "mse", "mean_absolute_error", "mae", "mean_absolute_percentage_error", "mape",
    "mean_squared_logarithmic_error", "msle", "huber", "huber_loss", "log_cosh", "hinge", "squared_hinge",
    "categorical_hinge", "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy",
    "binary_focal_crossentropy", "categorical_focal_crossentropy", "ctc", "smooth_l1_loss", "l1_loss",
    "cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits", "multi_margin_loss",
    "triplet_margin_loss", "margin_ranking_loss", "soft_margin_loss", "multi_label_soft_margin_loss", "ctc_loss",
}  # fmt: skip
# Of torch: what these take are logarithms of probabilities, where Keras's losses of the like take probabilities.
OF_LOGARITHMS = {"nll_loss", "ctc_loss", "kl_divergence"}
# Known losses that have a least value below 0, at their targets.
MAY_BE_NEGATIVE = {*OF_LOGARITHMS, "poisson", "cosine_similarity", "gaussian_nll_loss"}
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def loss_name(card: ModelCard) -> str:
    """Keras's snake_case name of the loss, whether it was given as a string, a function or an object."""
    return snake_case(card.loss.get("name", ""))


def loss_names(card: ModelCard, outputs: int) -> tuple[str, ...]:
    """The name of each output's loss; the first one's for all where the card tells of one."""
    return tuple(snake_case(one.get("name", "")) for one in loss_cards(card, outputs))


def loss_cards(card: ModelCard, outputs: int) -> tuple[Mapping[str, Any], ...]:
    """What is known of each output's loss; of the first one for all where the card tells of one."""
    told = card.loss.get("outputs")
    cards = told if isinstance(told, (list, tuple)) and len(told) == outputs else [card.loss] * outputs
    return tuple(one if isinstance(one, Mapping) else {} for one in cards)


def snake_case(name: object) -> str:
    """MeanSquaredError, or CTCLoss, as mean_squared_error and ctc_loss."""
    return _WORD.sub("_", str(name)).lower()


def least(name: str) -> float | None:
    """The least value that a loss of this name can have by its definition; None when the name does not say."""
    return 0.0 if name in NOT_BELOW_ZERO else None

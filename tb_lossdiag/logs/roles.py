"""What does a scalar tag mean? A table of words: which quantity, of which data, per step or per epoch."""

import re
from dataclasses import dataclass

# Words of a tag -> the quantity they name. Longer names first: "grad_norm_loss" is not a loss.
QUANTITIES = {
    ("gradient", "norm"): "gradient_norm",
    ("grad", "norm"): "gradient_norm",
    ("learning", "rate"): "learning_rate",
    ("lr",): "learning_rate",
    ("accuracy",): "accuracy",
    ("acc",): "accuracy",
    ("loss",): "loss",
    ("nll",): "loss",
    ("xent",): "loss",
    ("cross", "entropy"): "loss",
}
TRAIN_WORDS = ("train", "training")
VALIDATION_WORDS = ("validation", "val", "valid", "eval", "evaluation", "dev", "test")
EPOCH_WORDS = ("epoch", "epochs")
STEP_WORDS = ("step", "steps", "batch", "iter", "iteration")

# Prefix of a tag by Keras's TensorBoard callback -> grain; "" where the same numbers stand in another tag.
KERAS_PREFIXES = {"epoch_": "epoch_number", "batch_": "running_mean", "evaluation_": ""}
KERAS_SPEED = "steps_per_second"


@dataclass(frozen=True)
class Role:
    """What a tag holds.

    quantity: "loss", "learning_rate", "gradient_norm", "accuracy" or a Keras metric's own name.
    split: "train" or "validation".
    grain: "epoch_number" (Keras: one value per epoch, x counts epochs), "running_mean" (Keras: mean since the epoch
    began), "epoch" (one value per epoch, x counts steps), "step", or "" when the tag does not say.
    strangers: words of the tag that nothing here explains; "train/loss" has 0 and goes before "train/aux_loss" with 1.
    """

    quantity: str
    split: str
    grain: str
    strangers: int = 0


def role_of(tag: str, split: str, keras: bool) -> Role | None:
    """The role of a tag, or None when it has none.

    split: what the run's directory says, for tags that do not say it themselves. keras: whether the run was written by
    Keras's own TensorBoard callback, whose `batch_loss` is not the loss of a batch.
    """
    prefix = next((prefix for prefix in KERAS_PREFIXES if tag.startswith(prefix)), "") if keras else ""
    if prefix:
        quantity = tag.removeprefix(prefix)
        grain = KERAS_PREFIXES[prefix]
        return Role(quantity, split, grain) if grain and quantity != KERAS_SPEED else None
    words = re.split(r"[^a-z0-9]+", tag.lower())
    name = next((name for name in QUANTITIES if _contains(words, name)), None)
    if name is None:
        return None
    rest = [word for word in words if word and word not in name]
    named = [word for word in rest if word in TRAIN_WORDS + VALIDATION_WORDS]
    grain = "epoch" if _any(rest, EPOCH_WORDS) else "step" if _any(rest, STEP_WORDS) else ""
    strangers = len([word for word in rest if word not in TRAIN_WORDS + VALIDATION_WORDS + EPOCH_WORDS + STEP_WORDS])
    if named:
        split = "train" if named[0] in TRAIN_WORDS else "validation"
    return Role(QUANTITIES[name], split, grain, strangers)


def _contains(words: list[str], name: tuple[str, ...]) -> bool:
    return any(tuple(words[i : i + len(name)]) == name for i in range(len(words)))


def _any(words: list[str], known: tuple[str, ...]) -> bool:
    return any(word in known for word in words)

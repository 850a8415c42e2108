"""In which framework's words does a report speak? The one place that decides it, for every sentence and line of code.

A training by Keras's fit has callbacks and `model.compile`; a loop of the user's own in TensorFlow has an optimizer, a
loss function and a tape; a PyTorch loop has an optimizer, a criterion and a loader. Of a log that something else wrote
only what all of them have in common is said.
"""

from dataclasses import dataclass
from enum import Enum

from tb_lossdiag.run import Run


class Framework(Enum):
    KERAS_FIT = "Keras fit"
    KERAS_LOOP = "a loop of one's own in Keras"
    TORCH_LOOP = "a PyTorch loop"
    UNKNOWN = "an unknown writer"


@dataclass(frozen=True)
class Words:
    """One sentence, as each framework's user would say it. loop, torch: None where they say it as fit's users do.

    fit: may name what only `model.fit` and `model.compile` have. neutral: names no framework; None where fit's does not
    either.
    """

    fit: str
    loop: str | None = None
    torch: str | None = None
    neutral: str | None = None

    def of(self, framework: Framework) -> str:
        own = {
            Framework.KERAS_FIT: self.fit,
            Framework.KERAS_LOOP: self.loop,
            Framework.TORCH_LOOP: self.torch,
            Framework.UNKNOWN: self.neutral,
        }[framework]
        return self.fit if own is None else own


def framework_of(run: Run) -> Framework:
    """Who trained it. A fit says how many epochs it was asked for; a loop that is watched has no such plan."""
    written = run.card.framework if run.card is not None else ""
    if written.startswith("torch"):
        return Framework.TORCH_LOOP
    if not written.startswith("keras"):
        return Framework.UNKNOWN
    return Framework.KERAS_FIT if run.card.epochs else Framework.KERAS_LOOP


def is_on_tensorflow(run: Run) -> bool:
    """Whether Keras ran on TensorFlow, so that a gradient can be taken with a tape."""
    return run.card is not None and "tensorflow" in run.card.framework


def spoken(words: "Words | str", run: Run) -> str:
    """A sentence in the words of the framework that trained the run."""
    return words if isinstance(words, str) else words.of(framework_of(run))

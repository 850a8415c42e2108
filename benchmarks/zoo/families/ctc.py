"""Speech in small: frames in, fewer letters out, and nobody says which frame is which. CTC, in PyTorch."""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.training import Outcome

LETTERS, FRAMES, SPOKEN = 6, 24, 4  # letter 0 is the blank


@cache
def speech() -> tuple[np.ndarray, np.ndarray]:
    """600 utterances [24, 8] and their four letters, no two alike in a row."""
    rng = np.random.default_rng(75)
    sounds = rng.normal(size=(LETTERS, 8)) * 1.5
    x = rng.normal(0, 0.5, (600, FRAMES, 8))
    letters = np.zeros((600, SPOKEN), int)
    for utterance, spoken in zip(x, letters, strict=True):
        at = rng.integers(0, 3)
        for i in range(SPOKEN):
            others = [one for one in range(1, LETTERS) if i == 0 or one != spoken[i - 1]]
            spoken[i] = rng.choice(others)
            long = rng.integers(3, 6)
            utterance[at : at + long] += sounds[spoken[i]]
            at += long
    return x.astype("float32"), letters


class Listener(nn.Module):
    """axis: over which the scores are normalised; the letters are on the last. end: what normalises them."""

    def __init__(self, end: Callable[..., Tensor], axis: int) -> None:
        super().__init__()
        self.frames = nn.Conv1d(8, 32, 3, padding=1)
        self.memory = nn.GRU(32, 24, batch_first=True, bidirectional=True)
        self.letters = nn.Linear(48, LETTERS)
        self.end, self.axis = end, axis

    def forward(self, x: Tensor) -> Tensor:
        heard, _ = self.memory(F.relu(self.frames(x.transpose(1, 2))).transpose(1, 2))
        return self.end(self.letters(heard), dim=self.axis)


def train(
    log_dir: str,
    seed: int,
    module: bool = False,
    end: Callable[..., Tensor] = F.log_softmax,
    axis: int = -1,
    mixed_up: bool = False,
    rate: float = 5e-3,
) -> Outcome:
    """module: nn.CTCLoss, or the function. mixed_up: the letters of other utterances."""
    begin(seed)
    x, letters = speech()
    written = letters[np.random.default_rng(0).permutation(len(letters))] if mixed_up else letters
    model = Listener(end, axis)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    criterion = nn.CTCLoss()

    def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        lengths = torch.full((len(x),), FRAMES), torch.full((len(x),), SPOKEN)
        scores = model(x).transpose(0, 1)  # CTC wants the frames first
        return criterion(scores, y, *lengths) if module else F.ctc_loss(scores, y, *lengths)

    value = descend(model, optimizer, log_dir, tensors(x, written), loss_of, epochs=10)
    right = [read(row) == list(spoken) for row, spoken in zip(best(model, x), letters, strict=True)]
    return Outcome(value, value, float(np.mean(right)))


def best(model: nn.Module, x: np.ndarray) -> np.ndarray:
    return predicted(model, *tensors(x)).argmax(-1)


def read(frames: np.ndarray) -> list[int]:
    """What the best letter of each frame says: repeats are one, blanks none."""
    kept = np.append(True, frames[1:] != frames[:-1]) & (frames > 0)
    return [int(one) for one in frames[kept]]


FAMILY = Family(
    "ctc",
    "torch",
    train,
    {"plain": {}, "module": {"module": True}},
    (
        # Probabilities where their logarithms are asked for.
        fault("output_activation_mismatch", "softmax", "loss_mismatch", "unbounded_loss", end=F.softmax),
        fault("uninformative_labels", "letters_of_others", of="module", mixed_up=True),
        fault("learning_rate_too_high", "adam_1", rate=1.0),
    ),
)

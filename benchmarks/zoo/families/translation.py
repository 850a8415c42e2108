"""From one small language into another with attention; padding is left out of the loss. In PyTorch."""

from functools import cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import StepLR

from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.families.measures import tokens_right
from benchmarks.zoo.training import Outcome

TOKENS, LENGTH, WIDTH = 12, 6, 32  # token 0 pads, TOKENS starts


@cache
def sentences() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """1,500 sentences, what the decoder is given, and their translation: every word is another, in reverse order."""
    rng = np.random.default_rng(77)
    words = np.append(0, 1 + rng.permutation(TOKENS - 1))
    source = rng.integers(1, TOKENS, (1500, LENGTH))
    ends = rng.integers(3, LENGTH + 1, 1500)
    source[np.arange(LENGTH) >= ends[:, None]] = 0
    target = np.zeros_like(source)
    for row, (tokens, end) in enumerate(zip(source, ends, strict=True)):
        target[row, :end] = words[tokens[:end][::-1]]
    return source, np.concatenate([np.full((1500, 1), TOKENS), target[:, :-1]], 1), target


class Translator(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.source = nn.Embedding(TOKENS, WIDTH, padding_idx=0)
        self.target = nn.Embedding(TOKENS + 1, WIDTH)
        self.encoder = nn.GRU(WIDTH, WIDTH, batch_first=True, bidirectional=True)
        self.memory = nn.GRU(WIDTH, 2 * WIDTH, batch_first=True)
        self.wide, self.words = nn.Linear(4 * WIDTH, WIDTH), nn.Linear(WIDTH, TOKENS)

    def forward(self, read: Tensor, given: Tensor) -> Tensor:
        states, last = self.encoder(self.source(read))
        start = torch.cat([last[0], last[1]], 1)[None]
        x, _ = self.memory(self.target(given), start)
        looks = (x @ states.transpose(1, 2)).masked_fill((read == 0)[:, None], -1e9).softmax(-1)
        return self.words(F.relu(self.wide(torch.cat([x, looks @ states], -1))))


def train(
    log_dir: str,
    seed: int,
    module: bool = False,
    schedule_each: str = "epoch",
    mixed_up: bool = False,
    epochs: int = 10,
) -> Outcome:
    """module: nn.CrossEntropyLoss, told to `watch`, or the function. mixed_up: translations of other sentences."""
    begin(seed)
    read, given, written = sentences()
    order = np.random.default_rng(0).permutation(len(read)) if mixed_up else np.arange(len(read))
    model = Translator()
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=0)

    def loss_of(model: nn.Module, read: Tensor, given: Tensor, written: Tensor) -> Tensor:
        logits = model(read, given)
        if module:
            return criterion(logits.reshape(-1, TOKENS), written.reshape(-1))
        return F.cross_entropy(logits.transpose(1, 2), written, ignore_index=0)

    data = tensors(read, given[order], written[order])
    value = descend(
        model,
        optimizer,
        log_dir,
        data,
        loss_of,
        epochs,
        criterion=criterion if module else None,
        schedule=partial(StepLR, step_size=3, gamma=0.5),
        schedule_each=schedule_each,
    )
    return Outcome(value, value, tokens_right(written, predicted(model, *tensors(read, given)), written > 0))


FAMILY = Family(
    "translation",
    "torch",
    train,
    {"plain": {}, "module": {"module": True}},
    (
        fault("learning_rate_zero", "schedule_each_step", "learning_rate_too_low", of="module", schedule_each="step"),
        fault("uninformative_labels", "sentences_mixed_up", mixed_up=True),
    ),
)

"""Pictures read row by row by a recurrent layer, in PyTorch, where the steps stand in front by default."""

from torch import Tensor, nn, optim

from benchmarks.zoo.data import shapes
from benchmarks.zoo.families.descent import begin, descend, predicted, tensors
from benchmarks.zoo.families.family import Family, fault
from benchmarks.zoo.skill import skill
from benchmarks.zoo.training import Outcome


class Reader(nn.Module):
    def __init__(self, layer: type[nn.RNNBase], batch_first: bool) -> None:
        super().__init__()
        self.rows = layer(12, 32, batch_first=batch_first)
        self.kinds = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.rows(x)
        return self.kinds(states[:, -1])


def train(
    log_dir: str, seed: int, layer: type[nn.RNNBase] = nn.LSTM, batch_first: bool = True, rate: float = 5e-3
) -> Outcome:
    """batch_first: what the layer is told; the pictures of a batch stand in front either way."""
    begin(seed)
    x, y, *_ = shapes()
    data = tensors(x[..., 0].astype("float32"), y)
    model, criterion = Reader(layer, batch_first), nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=rate)
    value = descend(
        model, optimizer, log_dir, data, lambda model, x, y: criterion(model(x), y), epochs=20, criterion=criterion
    )
    return Outcome(value, value, skill("classes", y, predicted(model, data[0])))


FAMILY = Family(
    "row_reader",
    "torch",
    train,
    {"plain": {}, "gru": {"layer": nn.GRU}},
    (
        fault("mixed_examples", "along_the_batch", batch_first=False),
        fault("mixed_examples", "gru_along_the_batch", of="gru", batch_first=False),
    ),
)

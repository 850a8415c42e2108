"""What runs the examples of a batch into each other is seen in the step itself."""

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag import diagnose
from tb_lossdiag.torch import watch

GENERATOR = torch.Generator().manual_seed(2)


class Reads(nn.Module):
    """A recurrent layer, and what `read` makes of the input and of its outputs."""

    def __init__(self, read, **options):
        super().__init__()
        self.layer, self.head = nn.GRU(4, 8, **options), nn.Linear(8, 3)
        self.read = read

    def forward(self, x):
        return self.read(self, x)


def last(model, x):
    return model.head(model.layer(x)[0][:, -1])


def viewed(model, x):
    return model.head(model.layer(x.view(x.shape[1], x.shape[0], 4))[0][-1])


def permuted(model, x):
    return model.head(model.layer(x.permute(1, 0, 2).contiguous())[0][-1])


def trained(log_dir, model, loss=F.cross_entropy, steps=3, shape=(32, 12, 4)):
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    with watch(model, optimizer, log_dir):
        for _ in range(steps):
            x, y = torch.randn(shape, generator=GENERATOR), torch.randint(0, 3, shape[:1], generator=GENERATOR)
            x[..., 0] += 2.0 * y.reshape(-1, *[1] * (len(shape) - 2))
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    return Records(log_dir).card.settings["mixing"]


@pytest.mark.parametrize(
    ("model", "loss", "mixing"),
    [
        (lambda: Reads(viewed), F.cross_entropy, [{"operation": "view", "layer": "layer"}]),
        (
            lambda: Reads(lambda model, x: F.log_softmax(last(model, x), dim=0), batch_first=True),
            F.nll_loss,
            [{"operation": "softmax", "layer": ""}],
        ),
        (
            lambda: Reads(lambda model, x: F.softmax(last(model, x), dim=-2).clamp_min(1e-9).log(), batch_first=True),
            F.nll_loss,
            [{"operation": "softmax", "layer": ""}],
        ),
        (lambda: Reads(permuted), F.cross_entropy, []),
        (lambda: Reads(last, batch_first=True), F.cross_entropy, []),
        (lambda: Reads(lambda model, x: F.log_softmax(last(model, x), -1), batch_first=True), F.nll_loss, []),
    ],
    ids=["view", "log_softmax(dim=0)", "softmax(dim=-2)", "permute", "batch first", "log_softmax(dim=-1)"],
)
def test_a_softmax_over_the_batch_and_a_view_for_a_swap_are_on_the_card(tmp_path, model, loss, mixing):
    torch.manual_seed(3)
    assert trained(tmp_path, model(), loss) == mixing


class Pictures(nn.Module):
    """[batch, height, width, colours], of which a convolution wants the colours in front."""

    def __init__(self, read):
        super().__init__()
        self.see, self.head, self.read = nn.Conv2d(3, 8, 3), nn.Linear(8, 3), read

    def forward(self, x):
        return self.head(self.see(self.read(x)).mean((2, 3)))


class Notes(nn.Module):
    """The last states of both directions, [2, batch, 8], joined."""

    def __init__(self, join):
        super().__init__()
        self.layer, self.head, self.join = nn.GRU(4, 8, batch_first=True, bidirectional=True), nn.Linear(16, 3), join

    def forward(self, x):
        return self.head(self.join(self.layer(x)[1]))


class Tags(nn.Module):
    """One answer for each of 12 steps, [batch, classes, steps] as the cross-entropy wants them."""

    def __init__(self, turn):
        super().__init__()
        self.layer, self.head, self.turn = nn.GRU(4, 8, batch_first=True), nn.Linear(8, 3), turn

    def forward(self, x):
        return self.turn(self.head(self.layer(x)[0]))


def by_step(logits, labels):
    return F.cross_entropy(logits, labels[:, None].expand(-1, 12))


VIEWED = {
    "colours": (lambda: Pictures(lambda x: x.view(32, 3, 10, 9)), F.cross_entropy, (32, 10, 9, 3), "see"),
    "last states": (lambda: Notes(lambda h: h.view(-1, 16)), F.cross_entropy, (32, 12, 4), "head"),
    "logits": (lambda: Tags(lambda z: z.view(32, 3, 12)), by_step, (32, 12, 4), ""),
}
TURNED = {
    "colours": (lambda: Pictures(lambda x: x.permute(0, 3, 1, 2)), F.cross_entropy, (32, 10, 9, 3)),
    "grey": (lambda: Pictures(lambda x: x.view(32, 1, 10, 9).expand(-1, 3, -1, -1)), F.cross_entropy, (32, 10, 9, 1)),
    "last states": (lambda: Notes(lambda h: h.transpose(0, 1).reshape(-1, 16)), F.cross_entropy, (32, 12, 4)),
    "logits": (lambda: Tags(lambda z: z.transpose(1, 2)), by_step, (32, 12, 4)),
}


@pytest.mark.parametrize(("model", "loss", "shape", "layer"), VIEWED.values(), ids=VIEWED)
def test_what_a_layer_made_is_viewed_where_it_was_to_be_turned(tmp_path, model, loss, shape, layer):
    assert trained(tmp_path, model(), loss, shape=shape) == [{"operation": "view", "layer": layer}]


@pytest.mark.parametrize(("model", "loss", "shape"), TURNED.values(), ids=TURNED)
def test_what_was_turned_or_only_reshaped_is_no_mixing(tmp_path, model, loss, shape):
    assert trained(tmp_path, model(), loss, shape=shape) == []


def test_attention_over_steps_in_front_of_the_examples_is_no_mixing(tmp_path):
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.score, self.head = nn.GRU(4, 8), nn.Linear(8, 1), nn.Linear(8, 3)

        def forward(self, x):
            h = self.layer(x.transpose(0, 1))[0]
            return self.head((F.softmax(self.score(h), dim=0) * h).sum(0))

    assert trained(tmp_path, Attends(), shape=(32, 32, 4)) == []


def test_attention_over_the_batch_is_seen(tmp_path):
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.score, self.head = nn.Linear(4, 1), nn.Linear(4, 3)

        def forward(self, x):
            return self.head((F.softmax(self.score(x), dim=0) * x).sum(1))

    assert trained(tmp_path, Attends()) == [{"operation": "softmax", "layer": ""}]


def test_attention_over_the_rows_of_one_example_is_no_mixing(tmp_path):
    class Pools(nn.Module):
        def __init__(self):
            super().__init__()
            self.scores, self.head = nn.Linear(4, 1), nn.Linear(4, 3)

        def forward(self, x):
            weights = F.softmax(self.scores(x), dim=1)
            return self.head((weights * x).sum(1))

    assert trained(tmp_path, Pools()) == []


def test_the_diagnosis_names_it(tmp_path):
    torch.manual_seed(3)
    model = Reads(lambda model, x: F.log_softmax(last(model, x), dim=0), batch_first=True)
    trained(tmp_path, model, F.nll_loss, steps=300)
    first = next(iter(diagnose(tmp_path).values())).causes[0]
    assert first.id == "mixed_examples" and "softmax" in first.fix.text

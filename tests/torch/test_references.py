"""The training's own loss on outputs that know nothing, and on outputs that know all."""

import math

import pytest
import torch
from recording.reading import Records
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import watch
from tb_lossdiag.torch.loss_call import LossCall
from tb_lossdiag.torch.references import _dealt

G = torch.Generator().manual_seed(1)
X = torch.randn(32, 4, generator=G)
Y = X @ torch.randn(4, 1, generator=G)
LABELS = torch.arange(32) % 4 // 3  # three of four are of class 0
COLUMNS = ("loss", "loss_shuffled", "loss_shuffled_change", "loss_constant", "loss_least")


def measured(log_dir, loss, model=None, x=X, handed=None, row="prediction"):
    """({column: number}, not_measured) of one step with this loss of what the model gives."""
    torch.manual_seed(0)
    model = model or nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    with watch(model, optimizer, log_dir, loss=handed):
        loss(model(x)).backward()
        optimizer.step()
    records = Records(log_dir)
    numbers = {name: float(records.data(f"prediction:{row}", name)[0]) for name in COLUMNS}
    return numbers | {"told": records.column("loss")[1]}, records.card.settings.get("not_measured")


def test_outputs_that_know_score_better_dealt_right_than_wrong_and_best_as_the_targets(tmp_path):
    exact = nn.Linear(4, 1)
    exact.weight.data, exact.bias.data = torch.linalg.lstsq(X, Y).solution.T.contiguous(), torch.full((1,), 0.1)
    numbers, reason = measured(tmp_path, lambda p: F.mse_loss(p, Y), exact)
    assert reason is None
    assert numbers["loss"] == numbers["told"] == pytest.approx(0.01, rel=1e-3)
    assert numbers["loss_constant"] == pytest.approx(float(Y.var(correction=0)), rel=1e-3)
    assert numbers["loss_shuffled"] > 1.5 * numbers["loss_constant"]
    assert numbers["loss_least"] == 0.0


def test_a_broadcast_loss_cannot_tell_one_example_from_another(tmp_path, recwarn):
    numbers, _ = measured(tmp_path, lambda p: F.mse_loss(p, Y[:, 0]))
    assert numbers["loss_shuffled_change"] < 1e-6
    assert math.isnan(numbers["loss_least"])
    assert sum("target size" in str(warning.message) for warning in recwarn) == 1


ENTROPY = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))


@pytest.mark.parametrize(
    ("loss", "units", "least"),
    [
        (lambda p: F.cross_entropy(p, LABELS), 2, None),
        (lambda p: F.nll_loss(p.log_softmax(1), LABELS), 2, None),
        (lambda p: F.cross_entropy(p, F.one_hot(LABELS, 2).float()), 2, None),
        (lambda p: nn.BCEWithLogitsLoss()(p, LABELS[:, None].float()), 1, None),
        (lambda p: F.binary_cross_entropy(p.sigmoid(), LABELS[:, None].float()), 1, 0.0),
        (lambda p: F.cross_entropy(p, torch.cat([LABELS[:28], torch.full((4,), -100)])), 2, None),
    ],
    ids=["classes", "log-probabilities", "probabilities", "logits", "a sigmoid", "ignored labels"],
)
def test_the_best_constant_of_a_cross_entropy_is_the_share_of_each_class(tmp_path, loss, units, least):
    numbers, _ = measured(tmp_path, loss, nn.Linear(4, units))
    assert numbers["loss_constant"] == pytest.approx(ENTROPY, rel=1e-3)
    assert numbers["loss_least"] == least if least is not None else math.isnan(numbers["loss_least"])


def test_of_an_absolute_error_the_median_is_the_best_constant(tmp_path):
    target = Y.exp()
    numbers, _ = measured(tmp_path, lambda p: F.l1_loss(p, target))
    assert numbers["loss_constant"] == pytest.approx(float((target - target.median()).abs().mean()), rel=1e-5)


def test_classes_of_images_have_their_frequencies_and_whole_images_are_dealt(tmp_path):
    images, masks = torch.randn(8, 3, 4, 4), torch.zeros(8, 4, 4, dtype=torch.long)
    masks[:2] = 1
    numbers, _ = measured(tmp_path, lambda p: F.cross_entropy(p, masks), nn.Conv2d(3, 2, 1), images)
    assert numbers["loss_constant"] == pytest.approx(ENTROPY, rel=1e-2)
    assert numbers["loss_shuffled_change"] > 0


def test_of_triplets_the_positives_are_dealt_to_other_anchors(tmp_path):
    class Embedded(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def forward(self, x):
            return self.inner(x), self.inner(x + 0.01), self.inner(-x)

    numbers, reason = measured(tmp_path, lambda p: F.triplet_margin_loss(*p), Embedded())
    assert reason is None
    assert numbers["loss_shuffled"] > numbers["loss"]


def test_whole_sequences_are_dealt_under_ctc(tmp_path):
    targets, lengths = torch.randint(1, 4, (6, 2)), torch.full((6,), 2)
    numbers, reason = measured(
        tmp_path,
        lambda p: F.ctc_loss(p.log_softmax(-1), targets, torch.full((6,), 5), lengths),
        nn.Linear(4, 4),
        torch.randn(5, 6, 4),
    )
    assert reason is None
    assert numbers["loss_shuffled_change"] > 0


class Focal(nn.Module):
    """One of the user's own that is torch's inside."""

    def forward(self, logits, labels):
        each = F.cross_entropy(logits, labels, reduction="none")
        return ((1.0 - (-each).exp()) ** 2 * each).mean()


class Noisy(nn.Module):
    def forward(self, p, y):
        return F.mse_loss(p + torch.randn_like(p), y)


class Counting(nn.Module):
    """Weighs by how often it was called, keeps an average in a buffer, and has a weight."""

    def __init__(self):
        super().__init__()
        self.calls, self.seen = 0, []
        self.centre = nn.Parameter(torch.zeros(1))
        self.register_buffer("average", torch.zeros(()))

    def forward(self, p, y):
        self.calls += 1
        self.seen.append(self.calls)
        self.average += p.detach().mean()
        return F.mse_loss(p + self.centre, y)


class Drifting(nn.Module):
    """Is another loss at its second call."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, p, y):
        self.calls += 1
        return self.calls * F.mse_loss(p, y)


class Large(nn.Module):
    def __init__(self):
        super().__init__()
        self.judge = nn.Linear(1, 200_000)

    def forward(self, p, y):
        return (self.judge(p) - self.judge(y)).pow(2).mean()


class Dice(nn.Module):
    """Applies the sigmoid itself: outputs that are the targets are not what a perfect model gives."""

    def forward(self, logits, masks):
        p = logits.sigmoid()
        return 1.0 - 2.0 * (p * masks).sum() / (p.sum() + masks.sum())


def test_a_module_of_the_users_own_is_one_loss_not_what_it_calls(tmp_path):
    focal = Focal()
    numbers, reason = measured(tmp_path, lambda p: focal(p, LABELS), nn.Linear(4, 2), handed=focal)
    assert reason is None
    assert numbers["loss"] == pytest.approx(numbers["told"], rel=1e-6)
    assert Records(tmp_path).card.loss["name"] == "Focal"


def test_a_loss_that_has_state_keeps_it_and_is_measured_on_a_copy(tmp_path):
    counting = Counting()
    numbers, reason = measured(tmp_path, lambda p: counting(p, Y), handed=counting)
    assert reason is None and numbers["loss"] == pytest.approx(numbers["told"], rel=1e-6)
    bare = Counting()
    torch.manual_seed(0)
    bare(nn.Linear(4, 1)(X), Y)
    assert (counting.calls, counting.seen) == (1, [1])
    assert torch.equal(counting.average, bare.average)


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (Noisy(), "the loss draws random numbers"),
        (Drifting(), "the loss is another one when it is called again"),
        (Large(), "the loss has a network of its own"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_repeated_says_why(tmp_path, loss, reason):
    numbers, told = measured(tmp_path, lambda p: loss(p, Y), handed=loss)
    assert told == reason
    assert math.isnan(numbers["loss_shuffled"])


def test_a_loss_that_takes_logits_of_its_own_has_no_least(tmp_path):
    dice = Dice()
    numbers, _ = measured(tmp_path, lambda p: dice(p, LABELS[:, None].float()), handed=dice)
    assert math.isfinite(numbers["loss_shuffled"]) and math.isnan(numbers["loss_least"])


def test_of_one_example_and_of_a_loss_by_hand_the_reason_is_told(tmp_path):
    _, reason = measured(tmp_path / "one", lambda p: F.mse_loss(p, Y[:1]), x=X[:1])
    assert reason == "the batch has no other example to deal an output to"
    _, reason = measured(tmp_path / "hand", lambda p: (p - Y).pow(2).mean())
    assert reason == "the loss is written by hand; hand watch(loss=...) a callable"


def test_of_large_outputs_some_examples_stand_for_all(tmp_path, monkeypatch):
    from tb_lossdiag.torch import references

    monkeypatch.setattr(references, "MAX_ELEMENTS", 16)
    numbers, _ = measured(tmp_path, lambda p: F.mse_loss(p, Y))
    torch.manual_seed(0)
    assert numbers["loss"] == pytest.approx(F.mse_loss(nn.Linear(4, 1)(X[:16]), Y[:16]).item(), rel=1e-5)


def test_what_an_output_is_compared_with_keeps_its_place(tmp_path):
    wanted = torch.randn(32, 3, generator=G)
    model = nn.Linear(4, 3)
    model.weight.data = torch.linalg.lstsq(X, wanted).solution.T.contiguous()
    numbers, _ = measured(tmp_path, lambda p: F.cosine_embedding_loss(p, wanted, torch.ones(32)), model)
    assert numbers["loss_shuffled"] > 1.1 * numbers["loss"]


@pytest.mark.parametrize("kind", [nn.CosineEmbeddingLoss, nn.MarginRankingLoss])
def test_of_pairs_that_the_model_made_one_side_is_dealt(kind):
    made = tuple(torch.arange(6.0)[:, None].requires_grad_() for _ in range(2))
    first, second = _dealt(LossCall(kind, made, (), None, lambda: None), made, 0, torch.Generator())
    assert torch.equal(first, made[0]) and not (second == made[1]).any()

"""A call of a loss: what the model made, what it is compared with, and the same loss of other numbers."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.torch import loss_call
from tb_lossdiag.torch.loss_call import again, function_call, joined, module_call

P, Y = torch.zeros(4, 2, requires_grad=True), torch.ones(4, 2)


def mse(prediction, target, **options):
    return function_call("mse_loss", F.mse_loss, {"input": prediction, "target": target, **options})


def test_a_call_has_its_sides_its_options_and_the_users_line():
    call = mse(P, Y, reduction="sum", weight=None)
    assert call.predictions[0] is P and call.targets[0] is Y
    assert call.kind is nn.MSELoss
    assert call.options == {"reduction": "sum", "weight": None}
    assert call.where.startswith("test_loss_call.py:")


def test_what_the_model_made_is_the_prediction_on_whichever_side():
    call = mse(Y, P)
    assert call.predictions[0] is P and call.targets[0] is Y
    assert again(call, [Y], [Y]) == 0


def test_a_call_of_nothing_that_the_model_made_is_none():
    assert mse(Y, Y) is None
    assert module_call(nn.MSELoss(), ("text", Y), {}, Y) is None


def test_a_triplet_is_all_prediction_and_a_pair_has_a_target():
    triplet = {"anchor": P, "positive": Y, "negative": Y}
    assert len(function_call("triplet_margin_loss", F.triplet_margin_loss, triplet).predictions) == 3
    module = module_call(nn.TripletMarginLoss(), (P, Y), {"negative": Y}, P.sum())
    assert len(module.predictions) == 3 and module.targets == ()
    pair = {"input1": P, "input2": Y, "target": Y[:, 0]}
    call = function_call("cosine_embedding_loss", F.cosine_embedding_loss, pair)
    assert [len(call.predictions), len(call.targets)] == [2, 1]


def test_a_module_is_called_again_without_its_hooks():
    module, seen = nn.MSELoss(), []
    module.register_forward_hook(lambda *passed: seen.append(passed))
    call = module_call(module, (P,), {"target": Y}, P.sum())
    assert again(call, [Y + 2], [Y]) == 4
    assert again(call, [Y], [Y - 1]) == 1
    assert seen == []


def test_a_loss_for_each_example_counts_by_its_mean():
    assert again(mse(P, Y, reduction="none"), [Y + 2], [Y]) == 4


def test_shapes_that_do_not_fit_are_told_once_by_torch_and_not_again_by_us(recwarn):
    assert again(mse(P[:, :1], Y[:, 0]), [Y[:, :1]], [Y[:, 0]]) == 0
    assert len(recwarn) == 0


def test_calls_of_one_form_are_joined_and_others_replaced(monkeypatch):
    first, second = mse(P, Y), mse(P + 1, 3 * Y)
    both = joined(first, second)
    assert both.predictions[0].tolist() == [[0, 0]] * 4 + [[1, 1]] * 4
    assert both.made is second.predictions[0]
    assert again(both, both.predictions, both.targets) == pytest.approx((1 + 4) / 2)
    wider = mse(torch.zeros(4, 3, requires_grad=True), torch.ones(4, 3))
    assert joined(first, wider) is wider
    assert joined(None, second) is second
    monkeypatch.setattr(loss_call, "MAX_JOINED", 8)
    assert joined(first, second) is second


def test_an_output_in_the_place_of_the_target_is_told_where_that_matters():
    made, given = torch.zeros(3, 1, requires_grad=True), torch.ones(3, 1)
    other = made * 2
    for kind, told in ((nn.BCEWithLogitsLoss, True), (nn.MSELoss, False)):
        module = kind()
        assert module_call(module, (given, made), {}, torch.zeros(())).is_swapped is told
        assert not module_call(module, (made, given), {}, torch.zeros(())).is_swapped
    for sides, told in (((given, made), True), ((made, given), False), ((made, other), False), ((other, made), False)):
        arguments = dict(zip(("input", "target"), sides, strict=True))
        name = "binary_cross_entropy_with_logits"
        assert function_call(name, F.binary_cross_entropy_with_logits, arguments).is_swapped is told

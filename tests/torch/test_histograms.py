"""Histograms of gradients, updates and outputs on PyTorch against numpy, and in the log of a fit and of a loop."""

import numpy as np
import pytest
import torch
from recording.shares import moved, shares, wide
from recording.torch_fits import Weights, batches, by_hand, dense, fit
from torch import nn
from torch.nn import functional as F

from tb_lossdiag.logs import list_experiments, provider, read_run
from tb_lossdiag.recording.torch import histograms
from tb_lossdiag.run import Row
from tb_lossdiag.schema import BUCKETS, ZERO_BUCKET
from tb_lossdiag.torch import watch

RNG = np.random.default_rng(0)


def of_variable(before, after, gradient):
    """(gradient, update) lines."""
    drawn = {} if gradient is None else {"w": histograms.drawn(gradient)}
    return histograms.histograms([Row("w", "variable")], drawn, {"w": before}, {"w": after}, {}).numpy()


def of_output(output):
    return histograms.shares([histograms.drawn_output(output)])[0].numpy()


@pytest.mark.parametrize("shape", [(), (7,), (60, 8), (6, 5, 4, 3), (0, 3)])
def test_the_values_of_gradients_updates_and_outputs_are_counted_by_octave(shape):
    before, after, gradient = (torch.from_numpy(np.asarray(wide(RNG, *shape))) for _ in range(3))
    for line, values in zip(of_variable(before, after, gradient), (gradient, after - before), strict=True):
        np.testing.assert_allclose(line, shares(values.numpy()), atol=1e-6)
    np.testing.assert_allclose(of_output(gradient), shares(gradient.numpy()), atol=1e-6)


def test_lines_of_many_sizes_are_counted_apart_in_the_order_of_the_schema():
    values = {name: wide(RNG, size) for name, size in (("b", 5), ("a", 300), ("x", 40), ("y", 7))}
    rows = [Row("a", "variable"), Row("x", "output"), Row("b", "variable"), Row("y", "output")]
    given = {name: torch.from_numpy(x) for name, x in values.items()}
    zeros = {name: torch.zeros(x.shape) for name, x in values.items()}
    table = histograms.histograms(rows, given, zeros, given, given).numpy()
    for line, name in zip(table, ("a", "b", "a", "b", "x", "y"), strict=True):
        np.testing.assert_allclose(line, shares(values[name]), atol=1e-6)


def test_what_is_not_finite_is_in_no_bucket():
    x = torch.tensor([[1.0, torch.nan, torch.inf, -torch.inf]])
    assert of_output(x).sum() == pytest.approx(0.25)
    assert of_output(x[:, 1:]).tolist() == [0.0] * BUCKETS


def test_a_variable_without_a_gradient_has_its_update_only():
    gradient, update = of_variable(torch.ones(3), torch.ones(3), None)
    assert np.isnan(gradient).all()
    assert update[ZERO_BUCKET] == 1.0


def test_a_change_that_float32_would_lose_is_counted_in_the_weights_own_precision():
    w = torch.ones(3, dtype=torch.float64)
    _, update = of_variable(w, w + 2.0**-30, w)
    assert update.tolist() == shares(np.float32([2.0**-30])).tolist()


@pytest.mark.parametrize("shape", [(900, 64), (64, 900), (128, 64, 3, 3)])
def test_of_a_large_variable_so_many_are_drawn_that_shares_are_right_within_a_few_percent(shape):
    x = torch.from_numpy(RNG.normal(size=shape).astype(np.float32))
    x[..., ::2] = 0  # a stride along one axis would see all of these or none
    gradient, update = of_variable(torch.zeros(shape), x, x)
    assert len(histograms.drawn(x)) < 5_000
    for line in (gradient, update):
        assert line.sum() == pytest.approx(1.0)
        np.testing.assert_allclose(line, shares(x.numpy()), atol=0.04)


@pytest.mark.parametrize("channels", ["last", "moved from the second axis"])
def test_of_a_large_output_a_part_is_drawn(channels):
    x = torch.from_numpy(RNG.normal(size=(80, 40, 40, 16)).astype(np.float32))
    x[..., ::2] = 0
    if channels != "last":
        x = x.movedim(-1, 1).contiguous().movedim(1, -1)
    assert len(histograms.drawn_output(x)) < 40_000
    np.testing.assert_allclose(of_output(x), shares(x.numpy()), atol=0.04)


def test_what_was_drawn_does_not_follow_a_change_in_place():
    x = torch.ones(3, 2)
    both = histograms.drawn(x), histograms.drawn_output(x)
    x.zero_()
    assert [values.tolist() for values in both] == [[1.0] * 6] * 2


def recorded(log_dir):
    """The histograms that a reader finds."""
    log = provider.open_log(log_dir)
    [name] = list_experiments(log).values()
    return read_run(log, name).histograms


def matches(line, values):
    """Within two in a hundred values and one: rounding may pass an edge."""
    return moved(line, values) <= 1 + 0.02 * np.size(values)


def test_a_fit_has_histograms_of_its_first_eleventh_and_last_sample(tmp_path):
    weights = Weights()
    fit(tmp_path / "run", dense, every=1, callbacks=[weights], epochs=5, shuffle=False)
    found, (x, y) = recorded(tmp_path), batches()
    assert found.steps.tolist() == [1, 11, 15]
    np.testing.assert_allclose(found.shares.sum(axis=2, dtype=float), 1.0, atol=2e-3)
    names = [name for name, quantity in found.lines if quantity == "gradient"]
    for at, step in enumerate(found.steps):
        before, after = weights.before[step - 1], weights.after[step - 1]
        part = slice(8 * ((step - 1) % 3), 8 * ((step - 1) % 3) + 8)
        known = by_hand(dense, before, x[part], y[part])
        for name, gradient, old, new in zip(names, known["gradients"], before, after, strict=True):
            assert matches(found.of_row(name)["gradient"][at], gradient)
            assert matches(found.of_row(name)["update"][at], new - old)
        assert matches(found.of_row("hidden")["activation"][at], known["hidden"])


def test_a_watched_loop_has_histograms_of_what_its_modules_and_functions_put_out(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.hidden, self.unused, self.out = nn.Linear(4, 8), nn.Linear(2, 2), nn.Linear(8, 3)

        def forward(self, x):
            return self.out(F.relu(self.hidden(x), inplace=True))

    torch.manual_seed(0)
    model, criterion, seen = Net(), nn.CrossEntropyLoss(), []
    model.out.register_forward_hook(lambda _, args, output: seen.append((args[0].clone(), output.clone())))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = torch.randn(32, 4), torch.randint(0, 3, (32,))
    with watch(model, optimizer, tmp_path / "run", loss=criterion, every=1):
        for _ in range(12):
            optimizer.zero_grad()
            criterion(model(x), y).backward()
            before, gradient = model.out.weight.detach().clone(), model.out.weight.grad.clone()
            optimizer.step()
            if len(seen) == 11:
                change, counted = model.out.weight.detach() - before, gradient
    found = recorded(tmp_path)
    assert found.steps.tolist() == [1, 11]
    at = found.steps.tolist().index(11)
    hidden, out = (tensor.detach().numpy() for tensor in seen[10])
    assert matches(found.of_row("hidden")["activation"][at], hidden)  # after the function, as its other numbers
    assert matches(found.of_row("out")["activation"][at], out)
    assert matches(found.of_row("out/weight")["gradient"][at], counted.numpy())
    assert matches(found.of_row("out/weight")["update"][at], change.numpy())
    unused = found.of_row("unused/weight")
    assert np.isnan(unused["gradient"]).all()
    assert unused["update"][at][ZERO_BUCKET] == 1.0

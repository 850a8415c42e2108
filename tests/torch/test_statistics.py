"""The torch kernels against numpy in float64; columns mean here what they mean in recording/statistics.py."""

import numpy as np
import pytest
import torch

from tb_lossdiag import schema
from tb_lossdiag.recording.torch import statistics

RNG = np.random.default_rng(0)


def close(value, expected):
    return value == pytest.approx(expected, rel=3e-6, abs=1e-7, nan_ok=True)


def floats(numbers):
    return {name: float(value) for name, value in numbers.items()}


def of_one(kernel, *arrays):
    """A kernel over rows, applied to one row."""
    return floats(kernel(*(torch.as_tensor(x).reshape(1, -1) for x in arrays)))


def of_gradient(gradient):
    gradient = torch.as_tensor(gradient)
    return of_one(statistics.gradient_statistics, gradient, statistics.signs_of_life(gradient))


def test_gradient_statistics_are_numpys():
    g = RNG.normal(size=(7, 5)).astype(np.float32)
    g[g > 1] = 0
    exact = np.abs(g.astype(np.float64))
    found = of_gradient(g)
    assert close(found["gradient_norm"], np.linalg.norm(exact))
    assert close(found["gradient_mean_abs"], exact.mean())
    assert close(found["gradient_max_abs"], exact.max())
    assert close(found["gradient_zero_share"], (g == 0).mean())
    assert found["gradient_nonfinite"] == 0


def test_a_broken_gradient_has_a_broken_norm_and_an_exact_count():
    found = of_gradient(np.array([1.0, 0.0, np.nan, np.inf, -np.inf], np.float32))
    assert found["gradient_zero_share"] == pytest.approx(0.2)
    assert np.isnan(found["gradient_norm"])
    assert np.isnan(found["gradient_max_abs"])
    assert found["gradient_nonfinite"] == 3
    assert torch.isinf(statistics.norm(torch.tensor([[1.0, np.inf]])))


@pytest.mark.parametrize("scale", [1e-30, 1e-15, 1e-14, 1e18, 1e30])
def test_a_norm_neither_underflows_nor_overflows(scale):
    x = (RNG.normal(size=(1, 100)) * scale).astype(np.float32)
    assert close(float(statistics.norm(torch.from_numpy(x))), np.linalg.norm(x.astype(np.float64)))


def test_update_statistics_are_numpys():
    before, after = RNG.normal(size=(2, 40)).astype(np.float32)
    found = of_one(statistics.update_statistics, before, after, np.ones(40, np.float32))
    exact = before.astype(np.float64), after.astype(np.float64)
    assert close(found["weight_norm"], np.linalg.norm(exact[0]))
    assert close(found["update_norm"], np.linalg.norm(exact[1] - exact[0]))
    assert close(found["update_ratio"], np.linalg.norm(exact[1] - exact[0]) / np.linalg.norm(exact[0]))
    zeros, ones = np.zeros(3, np.float32), np.ones(3, np.float32)
    assert np.isnan(of_one(statistics.update_statistics, zeros, ones, ones)["update_ratio"])


def test_only_weights_with_a_gradient_can_fail_to_change():
    meant, same = np.array([0, 0, 1, 1, 1, 1], np.float32), np.array([1, 0, 1, 0, 1, 0])
    before = RNG.normal(size=6).astype(np.float32)
    after = np.where(same, before, np.nextafter(before, np.float32(9)))

    def share(after, meant):
        return of_one(statistics.update_statistics, before, after, meant)["unchanged_share"]

    assert share(after, meant) == 0.5
    assert share(np.where(same, before, np.float32(np.inf)), meant) == 0.5
    assert share(np.where(same, before, np.float32(np.nan)), meant) == 0.5
    assert np.isnan(share(after, 0 * meant))


@pytest.mark.parametrize("most", [10**6, 100])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_an_images_numbers_do_not_depend_on_where_its_channels_lie_nor_on_its_size(monkeypatch, most, activation):
    monkeypatch.setattr(statistics, "MAX_STACKED_ELEMENTS", most)
    images = torch.randn(6, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    images[:, 1] = -images[:, 1].abs()
    images = images.relu() if activation == "relu" else images.tanh()
    found = floats(statistics.output_statistics(images.movedim(1, -1), activation))
    x = images.numpy().astype(np.float64)
    assert close(found["activation_mean"], x.mean())
    assert close(found["activation_std"], x.std())
    assert close(found["activation_unit_std"], x.std(axis=0).mean())
    assert close(found["activation_max_abs"], np.abs(x).max())
    assert close(found["activation_zero_share"], (x == 0).mean())
    if activation == "relu":
        assert close(found["activation_dead_share"], 1 / 3)
    else:
        assert close(found["activation_saturated_share"], (np.abs(x) > 0.95).mean())


def test_signs_of_life_are_of_all_that_is_not_zero():
    alive = statistics.signs_of_life(torch.tensor([[0.0, -0.0, 1e-45], [3.0, -np.inf, -2.0]], dtype=torch.float32))
    assert alive.tolist() == [[0, 0, 1], [1, 1, 1]]


def test_tensors_in_groups_have_the_numbers_they_have_alone(monkeypatch):
    monkeypatch.setattr(statistics, "MAX_STACKED_ELEMENTS", 12)
    tensors = [(torch.randn(shape),) for shape in ((2, 3), (6,), (4,), (1, 6), (50,), (4,))]
    pairs = [(x, statistics.signs_of_life(x)) for (x,) in tensors]
    together = statistics.in_groups(statistics.gradient_statistics, pairs)
    alone = [of_gradient(x) for (x,) in tensors]
    for name, column in together.items():
        assert column.tolist() == pytest.approx([numbers[name] for numbers in alone], rel=1e-6)


def test_output_statistics_are_numpys():
    x = np.maximum(RNG.normal(size=(16, 3, 10)), 0).astype(np.float32)
    x[..., 4] = 0
    found = floats(statistics.output_statistics(torch.from_numpy(x), "relu"))
    exact = x.astype(np.float64)
    assert close(found["activation_mean"], exact.mean())
    assert close(found["activation_std"], exact.std())
    assert close(found["activation_max_abs"], exact.max())
    assert close(found["activation_zero_share"], (x == 0).mean())
    assert close(found["activation_unit_std"], exact.std(axis=0).mean())
    assert close(found["activation_dead_share"], 0.1)
    assert "activation_saturated_share" not in found


@pytest.mark.parametrize(("activation", "share"), [("tanh", 0.75), ("sigmoid", 0.5)])
def test_a_bounded_activation_is_saturated_in_the_outer_part_of_its_range(activation, share):
    found = floats(statistics.output_statistics(torch.tensor([[0.5, 0.96, -0.97, 0.99]]).clamp(max=0.98), activation))
    assert found["activation_saturated_share"] == share


def test_data_statistics_are_numpys():
    x = (RNG.normal(size=(32, 6)) * np.arange(6) + 100).astype(np.float32)
    found = floats(statistics.data_statistics(torch.from_numpy(x)))
    exact = x.astype(np.float64)
    assert close(found["min"], exact.min())
    assert close(found["max"], exact.max())
    assert close(found["mean"], exact.mean())
    assert close(found["std"], exact.std())
    assert close(found["feature_std_min"], exact.std(axis=0)[1:].min())
    assert close(found["feature_std_max"], exact.std(axis=0).max())
    assert close(found["feature_mean_max"], exact.mean(axis=0).max())
    assert close(found["diversity"], exact.std(axis=0).mean() / np.abs(exact).mean())
    assert set(found) <= set(schema.DATA_COLUMNS)


def test_class_labels_are_counted_and_their_shares_are_those_of_the_batch():
    labels = torch.tensor([0, 2, 2, 1, 2, 7, -1, 2])
    assert float(statistics.data_statistics(labels, 3)["out_of_range"]) == 2
    shares = statistics.target_statistics(labels, 3)
    assert shares[:, 0].tolist() == [1 / 8, 1 / 8, 4 / 8]
    assert shares[2].tolist() == [0.5, 0.5, 0.5]


def test_target_statistics_of_values_are_those_of_each_unit():
    y = RNG.normal(size=(9, 2)).astype(np.float32)
    found = statistics.target_statistics(torch.from_numpy(y)).numpy()
    exact = y.astype(np.float64)
    deviation = np.abs(exact - np.median(exact, axis=0)).mean(axis=0)
    np.testing.assert_allclose(found, np.stack([exact.mean(0), exact.std(0), deviation], axis=1), rtol=1e-5)


def test_the_majority_is_that_of_the_largest_unit_or_of_the_yes_of_a_single_one():
    assert float(statistics.majority_share(torch.tensor([[1.0, 2.0], [0.0, 3.0], [4.0, 1.0]]), 0.0)) == pytest.approx(
        2 / 3
    )
    assert float(statistics.majority_share(torch.tensor([[-1.0], [-2.0], [-3.0], [1.0]]), 0.0)) == 0.75
    assert np.isnan(float(statistics.majority_share(torch.tensor([[np.nan, 1.0]]), 0.0)))


def test_extreme_answers_are_counted_where_all_lie_between_0_and_1():
    assert float(statistics.extreme_share(torch.tensor([0.0, 1.0, 0.5, 1e-7]))) == 0.75
    assert np.isnan(float(statistics.extreme_share(torch.tensor([0.0, 1.5]))))


def test_nothing_has_no_numbers():
    assert statistics.output_statistics(torch.zeros(0, 3), "relu") == {}
    assert statistics.data_statistics(torch.zeros(0, 3)) == {}
    assert of_gradient(np.zeros(0, np.float32))["gradient_norm"] == 0


def test_what_comes_to_the_host_keeps_its_shape():
    found = statistics.on_host({"a": torch.tensor(2), "b": torch.tensor([[1.0, 2.0]]), "c": torch.zeros(0, 3)})
    assert {name: array.tolist() for name, array in found.items()} == {"a": 2.0, "b": [[1.0, 2.0]], "c": []}

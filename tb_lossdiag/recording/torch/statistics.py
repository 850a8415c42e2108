"""What are the numbers of a tensor? In torch, and in float32, what recording/statistics.py computes in TensorFlow.

The two must agree: a diagnosis does not ask which of them measured. Tensors come without gradients.
A norm is taken over all elements as they are, so a NaN element gives a NaN norm.

On a CPU comparing costs five times as much as arithmetic, and asking the host nothing. So there signs are counted, and
what is not finite only where something is.
"""

import math
from collections.abc import Callable, Hashable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from tb_lossdiag.recording.limits import DEAD_BELOW_ZERO, EXTREME, MAX_TARGET_UNITS, UNSATURATED

# In float32 squares that underflow are of elements below 3e-23, too small to count beside such a norm.
SAFE_NORM = 1e-15
# Larger tensors keep the machine busy alone, and stacking would copy them; larger temporaries are page-faulted anew.
MAX_STACKED_ELEMENTS = 65_536

_NAN = float("nan")

Numbers = dict[str, Tensor]


def in_groups(kernel: Callable[..., Numbers], tensors: Sequence[tuple[Tensor, ...]]) -> Numbers:
    """A kernel over rows applied to many tensors, or tuples of tensors: {statistic: float32 [tensors]}.

    Small tensors of one size are stacked and done at once: a deep model then costs tens of ops, not thousands.
    """
    groups: dict[tuple, list[int]] = {}
    for index, (first, *_) in enumerate(tensors):
        groups.setdefault((first.numel(), first.device), []).append(index)
    order: list[int] = []
    results: list[Numbers] = []
    for (size, _), members in groups.items():
        width = max(1, MAX_STACKED_ELEMENTS // max(1, size))
        for start in range(0, len(members), width):
            chunk = members[start : start + width]
            parts = zip(*(tensors[index] for index in chunk), strict=True)
            results.append(kernel(*(_rows(part) for part in parts)))
            order += chunk
    if not results:
        return {}
    home = tensors[0][0].device  # a model's layers may lie on several
    columns = torch.cat([torch.stack(list(result.values())).to(home) for result in results], dim=1)
    if order != sorted(order):
        columns = columns[:, torch.tensor(order, device=home).argsort()]
    return dict(zip(results[0], columns, strict=True))


def norm(x: Tensor) -> Tensor:
    """L2 norm of each row [rows, n]; neither does 1e-30 underflow nor 1e30 overflow."""
    direct = torch.linalg.vector_norm(x, dim=1)
    if x.is_cpu and all(SAFE_NORM < norm < math.inf for norm in direct.tolist()):
        return direct
    largest = _largest(x.abs())
    scale = torch.where((largest > 0.0) & torch.isfinite(largest), largest, 1.0)
    return scale * torch.linalg.vector_norm(x / scale[:, None], dim=1)


def signs_of_life(gradient: Tensor) -> Tensor:
    """float32 in its shape: 1 where an element is not 0, 0 elsewhere; for a NaN either."""
    return as_float(gradient).abs().sign() if gradient.is_cpu else (gradient != 0).float()


def gradient_statistics(gradients: Tensor, alive: Tensor) -> Numbers:
    """Of gradients [rows, n], one parameter a row. alive: their signs_of_life."""
    size = gradients.abs()
    largest = _largest(size)
    whole = _is_whole(largest)
    return {
        "gradient_norm": norm(gradients),
        "gradient_mean_abs": size.mean(dim=1),
        "gradient_max_abs": largest,
        "gradient_zero_share": 1.0 - alive.sum(dim=1) / size.shape[1] if whole else _share(size == 0.0),
        "gradient_nonfinite": torch.zeros_like(largest) if whole else _nonfinite(size),
    }


def update_statistics(before: Tensor, after: Tensor, alive: Tensor) -> Numbers:
    """Of weights [rows, n] before and after the step; all-zero weights have no update ratio.

    alive: signs_of_life of their gradients; of those weights the share that the step left as they were is told.
    """
    change = after - before
    weight, update, wanted = norm(before), norm(change), alive.sum(dim=1)
    if _is_whole(update):
        moved = torch.bmm(change.abs_().sign_()[:, None], alive[:, :, None]).reshape(-1)  # without a copy
    else:
        moved = ((before != after) * alive).sum(dim=1)
    return {
        "weight_norm": weight,
        "update_norm": update,
        "update_ratio": torch.where(weight > 0.0, update / weight, _NAN),
        "unchanged_share": torch.where(wanted > 0.0, (wanted - moved) / wanted, _NAN),
    }


def output_statistics(output: Tensor, activation: str | None) -> Numbers:
    """Of one module's output [batch, ..., units], scalars. activation: its Keras name says what is dead, saturated."""
    output = as_float(output)
    if not output.numel():
        return {}
    largest, alive, means, stds = [], [], [], []
    for part in _parts(output):
        mean, std = _moments(part)
        size = part.abs()
        largest.append(size.amax())
        alive.append(size.sign_().sum())
        means.append(mean)
        stds.append(std)
    unit_mean, unit_std, largest = torch.cat(means), torch.cat(stds), torch.stack(largest)
    mean = unit_mean.mean()
    whole = _is_whole(largest)
    zeros = output.numel() - torch.stack(alive).sum() if whole else torch.count_nonzero(output == 0.0)
    numbers = {
        "activation_mean": mean,
        "activation_std": (unit_std.square() + (unit_mean - mean).square()).mean().sqrt(),
        "activation_max_abs": largest.amax(),
        "activation_zero_share": zeros / output.numel(),
        "activation_nonfinite": torch.zeros_like(mean) if whole else _nonfinite(output.reshape(1, -1).abs())[0],
    }
    if output.dim():
        numbers["activation_unit_std"] = unit_std.mean()
    if activation in DEAD_BELOW_ZERO:
        per_unit = output.amax(dim=tuple(range(output.dim() - 1))) if output.dim() > 1 else output.amax()
        numbers["activation_dead_share"] = _share((per_unit <= 0.0).reshape(1, -1))[0]
    if activation in UNSATURATED:
        low, high = UNSATURATED[activation]
        saturated = torch.count_nonzero((output < low) | (output > high))
        numbers["activation_saturated_share"] = saturated / output.numel()
    return numbers


def data_statistics(x: Tensor, classes: int | None = None) -> Numbers:
    """Of one input, target or prediction [batch, ..., features]. classes: how many, where x holds class labels."""
    x = as_float(x)
    if not x.numel():
        return {}
    features = _by_feature(x)
    feature_mean, feature_std = _moments(features)
    mean = feature_mean.mean()
    variance = (feature_std.square() + (feature_mean - mean).square()).mean()
    largest = torch.finfo(torch.float32).max
    smallest = torch.where(feature_std > 0.0, feature_std, largest).min()
    spread = _moments(x)[1] if x.dim() > 2 else feature_std
    row = x.reshape(1, -1)
    sizes = row.abs()
    size = sizes.mean()
    low, high = torch.aminmax(row)
    numbers = {
        "min": low,
        "max": high,
        "mean": mean,
        "std": variance.sqrt(),
        "nonfinite": torch.zeros_like(mean) if _is_whole(torch.stack([low, high])) else _nonfinite(sizes)[0],
        "feature_std_min": torch.where(smallest < largest, smallest, feature_std.min()),
        "feature_std_max": feature_std.max(),
        "feature_mean_max": feature_mean.abs().max(),
        "diversity": torch.where(size != 0.0, spread.mean() / size, 0.0),
    }
    if classes is not None:
        numbers["out_of_range"] = _count(~((row >= 0.0) & (row < float(classes))))[0]
    return numbers


def term_statistics(value: Tensor) -> Numbers:
    """Of a term of the loss, or of the same for each example."""
    mean = as_float(value).mean()
    return {"mean": mean, "nonfinite": as_float(~torch.isfinite(mean))}


def target_statistics(targets: Tensor, classes: int | None = None) -> Tensor:
    """float32 [outputs, 3]: schema.TARGET_COLUMNS of each class, or of each unit of the last axis."""
    if classes is not None:
        labels, counted = targets.reshape(-1).long(), min(classes, MAX_TARGET_UNITS)
        known = torch.where((labels >= 0) & (labels < counted), labels, counted)
        share = torch.bincount(known, minlength=counted + 1)[:counted].float() / labels.numel()
        return torch.stack([share, (share * (1.0 - share)).sqrt(), torch.minimum(share, 1.0 - share)], dim=1)
    units = _by_feature(as_float(targets))[:, :MAX_TARGET_UNITS]
    mean, std = _moments(units)
    # Between the two middle values every point has the same mean distance, so no average of the two is needed.
    median = units.sort(dim=0).values[units.shape[0] // 2]
    return torch.stack([mean, std, (units - median).abs().mean(dim=0)], dim=1)


def half_agreement(features: Tensor, residuals: Tensor) -> Tensor:
    """Cosine of features^T residuals over the first and the second half of the examples [..., units of either].

    That is the gradient of a layer's weights, where residuals are dL/dz of its outputs. NaN for fewer than 4 examples.
    """
    features, residuals = _by_feature(features), _by_feature(residuals)
    half = features.shape[0] // 2
    if half < 2:
        return features.new_full((), float("nan"))
    both = torch.stack(
        [(features[part].T @ residuals[part]).reshape(-1) for part in (slice(None, half), slice(half, 2 * half))]
    )
    return (both / norm(both)[:, None]).prod(dim=0).sum()


def majority_share(x: Tensor, threshold: float) -> Tensor:
    """Of predictions [batch, ..., units]: the share of the most frequent class, that of the largest unit.

    threshold: above it a single unit says yes. NaN where a prediction is.
    """
    features = _by_feature(as_float(x))
    classes = features.shape[-1]
    if classes == 1:
        yes = _share(features.reshape(1, -1) > threshold)[0]
        share = torch.maximum(yes, 1.0 - yes)
    else:
        chosen = features.argmax(dim=-1)
        share = torch.bincount(chosen, minlength=classes).max().float() / chosen.numel()
    return torch.where(features.isnan().any(), _NAN, share)


def extreme_share(x: Tensor) -> Tensor:
    """Of predictions that all lie in 0 … 1: the share next to either end; else NaN."""
    row = as_float(x).reshape(1, -1)
    share = _share((row <= EXTREME) | (row >= 1.0 - EXTREME))[0]
    return torch.where(((row >= 0.0) & (row <= 1.0)).all(), share, _NAN)


def as_float(x: Tensor) -> Tensor:
    """float32; a complex number counts as its two parts."""
    return (torch.view_as_real(x) if x.is_complex() else x).float()


def on_host(tensors: Mapping[Hashable, Tensor]) -> dict[Hashable, np.ndarray]:
    """float32 arrays, copied in one transfer for each device: a GPU is waited for once."""
    values: dict[Hashable, np.ndarray] = {}
    for device in {tensor.device for tensor in tensors.values()}:
        here = {name: as_float(tensor) for name, tensor in tensors.items() if tensor.device == device}
        scalars = [tensor for tensor in here.values() if not tensor.dim()]
        arrays = [tensor for tensor in here.values() if tensor.dim()]
        parts = [torch.stack(scalars)] if scalars else []  # a third of the time that joining them one by one takes
        flat = torch.cat([*parts, *(tensor.reshape(-1) for tensor in arrays)]).cpu().numpy()
        scalar, start = 0, len(scalars)
        for name, tensor in here.items():
            if not tensor.dim():
                values[name] = flat[scalar]
                scalar += 1
            else:
                values[name] = flat[start : start + tensor.numel()].reshape(tensor.shape)
                start += tensor.numel()
    return values


def _rows(part: Sequence[Tensor]) -> Tensor:
    rows = [(x if x.dtype == torch.bool else as_float(x)).reshape(-1) for x in part]
    return rows[0][None] if len(rows) == 1 else torch.stack(rows)


def _largest(size: Tensor) -> Tensor:
    """Of |x| [rows, n], by row; NaN where one is."""
    return size.amax(dim=1) if size.shape[1] else size.sum(dim=1)


def _parts(output: Tensor) -> Sequence[Tensor]:
    """Of [batch, ...]: [batch, some of the rest], in any order; on a CPU no larger than its caches."""
    if output.dim() > 2 and not output.is_contiguous():
        output = output.movedim(-1, 1)  # as it lies in memory, where the units are second
    flat = output.reshape(output.shape[0] if output.dim() else 1, -1)
    return flat.split(max(1, MAX_STACKED_ELEMENTS // flat.shape[0]), dim=1) if flat.is_cpu else [flat]


def _is_whole(numbers: Tensor) -> bool:
    """Whether all of these few are known to be finite. A GPU is not asked: it would be waited for."""
    return numbers.is_cpu and all(map(math.isfinite, numbers.tolist()))


def _nonfinite(size: Tensor) -> Tensor:
    """How many of |x| [rows, n] are NaN or Inf; torch.isfinite takes twice as long."""
    return (size.shape[1] - torch.count_nonzero(size < torch.inf, dim=1)).float()


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and std over the first axis, around the first row: exactly 0 for constant columns, whatever their offset."""
    shift = x[:1]
    centred = x - shift
    mean = centred.mean(dim=0)
    return shift[0] + mean, centred.sub_(mean).square_().mean(dim=0).sqrt_()


def _by_feature(x: Tensor) -> Tensor:
    """[examples, features]: the last axis is a feature; a vector holds one feature."""
    return x.reshape(-1, 1) if x.dim() < 2 else x.reshape(-1, x.shape[-1])


def _count(condition: Tensor) -> Tensor:
    """By row [rows, n]."""
    return torch.count_nonzero(condition, dim=1).float()


def _share(condition: Tensor) -> Tensor:
    """By row [rows, n]."""
    return _count(condition) / condition.shape[1]

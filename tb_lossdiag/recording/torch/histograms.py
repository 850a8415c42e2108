"""How are the values of a gradient, an update or an output distributed, on PyTorch? Shares by octave of magnitude.

Values are drawn as they are seen, since the training may change them in place, and counted when the step is over.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from tb_lossdiag.recording.buckets import CODES, MANTISSA_BITS, bucket_of_code
from tb_lossdiag.recording.drawing import DRAWN_COLUMNS, examples, stride
from tb_lossdiag.recording.torch.statistics import as_float
from tb_lossdiag.run import Row
from tb_lossdiag.schema import BUCKETS


def drawn(x: Tensor) -> Tensor:
    """float32 [values]: a copy of some of all elements."""
    return as_float(_some(x)).reshape(-1).clone()


def drawn_output(output: Tensor) -> Tensor:
    """float32 [values]: a copy of some of the elements of [batch, ..., units]."""
    if not output.dim() or not output.numel():
        return drawn(output)
    width = output.numel() // output.shape[0]
    every = stride([width], DRAWN_COLUMNS)
    part = output[: examples(width // every)].flatten(1) if output.dim() > 1 else output[: examples(1), None]
    return as_float(part[:, ::every]).reshape(-1).clone()


def histograms(
    rows: Sequence[Row],
    gradients: Mapping[str, Tensor],
    before: Mapping[str, Tensor],
    after: Mapping[str, Tensor],
    outputs: Mapping[str, Tensor | None],
) -> Tensor:
    """float32 [lines, BUCKETS] of these rows, in the order of schema.histogram_lines.

    gradients, outputs: drawn values by the row's name, where there are any. before, after: the weights.
    """
    variables = [row.name for row in rows if row.kind == "variable"]
    lines = [gradients.get(name) for name in variables]
    lines += [_drawn_change(before[name], after[name]) for name in variables]
    lines += [outputs.get(row.name) for row in rows if row.kind == "output"]
    return shares(lines)


def shares(lines: Sequence[Tensor | None]) -> Tensor:
    """float32 [lines, BUCKETS] of drawn values; NaN for None, and where there are none."""
    known = [values for values in lines if values is not None]
    if not known:
        return torch.full((len(lines), BUCKETS), float("nan"))
    home = known[0].device  # a model's layers may lie on several
    flat = torch.cat([values.to(home) for values in known])
    codes = torch.bitwise_right_shift(flat.view(torch.int32), MANTISSA_BITS) & CODES - 1
    buckets = torch.from_numpy(bucket_of_code()).to(home)[codes.long()]
    sizes = torch.tensor([0 if values is None else values.numel() for values in lines])
    line = torch.arange(len(lines)).repeat_interleave(sizes).to(home)
    counts = torch.bincount(line * (BUCKETS + 1) + buckets, minlength=len(lines) * (BUCKETS + 1))
    return counts.reshape(len(lines), -1)[:, :BUCKETS] / sizes.to(home)[:, None]


def _drawn_change(before: Tensor, after: Tensor) -> Tensor:
    """In the precision of the weights: in float32 a float64's change may be lost."""
    precision = torch.promote_types(before.dtype, torch.float32)
    return as_float(_some(after).to(precision) - _some(before).to(precision)).reshape(-1)


def _some(x: Tensor) -> Tensor:
    return x.reshape(-1)[:: stride([x.numel()])]

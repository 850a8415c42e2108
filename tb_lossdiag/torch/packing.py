"""Which rows does a sampled step have? What was seen of it becomes a Layout and the arrays that fill it."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from tb_lossdiag.recording.layout import Layout
from tb_lossdiag.recording.rows import rows_of
from tb_lossdiag.recording.selection import Selection, spread
from tb_lossdiag.recording.torch.histograms import histograms
from tb_lossdiag.recording.torch.tables import tables
from tb_lossdiag.recording.torch.updates import Gradients, updates_of
from tb_lossdiag.run import Row
from tb_lossdiag.torch.forward import Call, ForwardPass, Measured
from tb_lossdiag.torch.seen import Seen


def packed(
    seen: Seen,
    gradients: Gradients,
    before: Mapping[str, Tensor],
    after: Mapping[str, Tensor],
    step: Mapping[str, Tensor | float],
    selection: Selection,
    were_cleared: bool,
) -> tuple[Layout, dict[str, np.ndarray]]:
    """before, after: the weights. step: what is known of the step as a whole.

    were_cleared: whether gradients that are not there had been, so that it is not known which the loss reaches.
    """
    forward, parameters = seen.used.forward, tuple(seen.structure.parameters)
    rows = tuple(rows_of((call.path for call in forward.calls), seen.structure.owners))
    data = forward.data | {("loss", name): numbers for name, numbers in seen.terms.items()}
    pulls = {row: {"gradient_norm": norm} for row, norm in seen.pulls.items()}
    data = {row: numbers | pulls.get(row, {}) for row, numbers in data.items()}
    kept = spread([row.name for row in rows if selection.takes(row.layer)])
    calls = dict(zip((row.name for row in rows if row.kind == "output"), forward.calls, strict=True))
    layout = Layout(
        rows=tuple(row for row in rows if row.name in kept),
        data_rows=tuple(Row(f"{kind}:{name}", kind) for kind, name in data),
        unreached=() if were_cleared else tuple(path for path in parameters if path not in gradients.reached),
        inputs=tuple(forward.feeds.items()),
        units=tuple((call.path, call.units) for call in forward.calls),
        cached_logits=False,
        classes=forward.loss.classes if forward.loss else None,
        knows_loss="loss" in step,
        prediction=(),
        target_rank=0,
        weighted=bool(forward.loss and forward.loss.weighted),
    )
    outputs = {name: _shown(call, forward) for name, call in calls.items() if name in kept}
    drawn = {name: output.drawn for name, output in outputs.items()}
    arrays = tables(
        rows=layout.rows,
        paths=parameters,
        gradients=gradients,
        updates=updates_of(before, after, gradients),
        outputs={name: output.numbers for name, output in outputs.items()},
        data=list(data.values()),
        targets=forward.targets,
        step=step if forward.agreement is None else {**step, "gradient_agreement": forward.agreement},
        batch=seen.used.examples,
        histograms=histograms(layout.rows, gradients.drawn, before, after, drawn) if seen.has_histograms else None,
    )
    return layout, arrays


def _shown(call: Call, forward: ForwardPass) -> Measured:
    """What is known of a layer's output, an activation that was called on it as a function included."""
    return call.under.get(forward.activations.get(call.path, ""), call.output)

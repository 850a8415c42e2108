"""Does the layer list itself limit learning? Deep saturating stacks, no activation, dropout that leaves little."""

import numpy as np

from tb_lossdiag.diagnosis.layer_kinds import prepares_data
from tb_lossdiag.diagnosis.needs import recorded
from tb_lossdiag.diagnosis.output_layer import asked_shape
from tb_lossdiag.diagnosis.report import Check, Evidence
from tb_lossdiag.run import LayerCard, Run, finite

ID = "architecture"
TITLE = "Architecture"
# Each sigmoid passes at most a quarter of the gradient: five of them leave less than a thousandth.
SATURATING_DEPTH = 4
# Above this rate a layer loses more than two thirds of its inputs at each step; usual rates are 0.1 to 0.5.
DROPOUT = 0.7
# What several layers of half or more leave of a number behind each other: less than the strongest single one does. Four
# of a half leave 0.06; three of 0.6 left a table of sixteen columns at chance (docs/first_contact.md, tenth round).
COUNTED, LEFT = 0.5, 0.1
# Of the outputs themselves any share adds its square to the loss (unmeasured).
OF_OUTPUTS = 0.1
# Of the ratio of two mean squares, at the median over samples of a batch each.
FEWEST, AS_DROPPED = 5, 0.25
# Noise of so many times the inputs' spread leaves a tenth of what tells them apart (from the arithmetic).
DROWNS = 3.0
WHOLE_RANGE = 6.0  # of a normal distribution, in standard deviations
SATURATING = {"sigmoid", "hard_sigmoid", "tanh"}
NORMALISING = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization"}
MERGING = {"Add", "Concatenate"}
# Put branches together that stand beside each other in the list, some of them by multiplying.
JOINING = {*MERGING, "Dot", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Lambda"}
LINEAR = {"Dense", "Conv1D", "Conv2D", "Conv3D"}
# What may stand between linear layers without bending anything.
STRAIGHT = {*LINEAR, "InputLayer", "Dropout", "Flatten", "Reshape", "ZeroPadding2D", "Permute", "AveragePooling2D"}


def check(run: Run) -> Check:
    if run.card is None or not run.card.layers:
        return Check(ID, TITLE, "not_run", needs=recorded("the model card", run))
    layers = tuple(layer for layer in run.card.layers if not prepares_data(layer))
    usual = Evidence(f"Nothing in the list of {len(layers)} layers limits learning by itself.", source="the model card")
    drops = (
        _noise(run)
        or _dropout_of_the_output(run, layers, _output_size(run))
        or _dropout(layers)
        or _dropouts_in_a_row(run, layers)
        or _dropout_by_function(run)
    )
    found = _deep_saturating(layers) or drops or (None if _branches(run) else _linear_stack(layers))
    return found or Check(ID, TITLE, "not_found", (usual,))


def _deep_saturating(layers: tuple[LayerCard, ...]) -> Check | None:
    recurrent = [layer for layer in layers if "return_sequences" in layer.settings]
    hidden = [layer for layer in layers[:-1] if layer.activation in SATURATING and layer not in recurrent]
    if len(hidden) <= SATURATING_DEPTH or any(layer.kind in NORMALISING | MERGING for layer in layers):
        return None
    text = f"{len(hidden)} saturating activations behind each other, without normalisation or skip connections."
    return _found(
        "deep_saturating", text, len(hidden), SATURATING_DEPTH, hidden, "a sigmoid's derivative is at most 0.25"
    )


def _dropout(layers: tuple[LayerCard, ...]) -> Check | None:
    strong = [layer for layer in layers if "Dropout" in layer.kind and (layer.number("rate") or 0) > DROPOUT]
    if not strong:
        return None
    rate = max(layer.number("rate") for layer in strong)
    text = f"{strong[0].path!r} drops {rate:.0%} of its inputs at each step."
    return _found("dropout", text, rate, DROPOUT, strong, "usual rates are 0.1 … 0.5")


def _dropouts_in_a_row(run: Run, layers: tuple[LayerCard, ...]) -> Check | None:
    strong = [layer for layer in layers if "Dropout" in layer.kind and (layer.number("rate") or 0) >= COUNTED]
    left = float(np.prod([1 - layer.number("rate") for layer in strong]))
    if left >= LEFT or _branches(run):
        return None
    text = f"{len(strong)} layers of dropout behind each other let {left:.1%} of the ways through the model pass."
    return _found("dropouts", text, 1 - left, 1 - LEFT, strong, "usual rates are 0.1 … 0.5, behind the widest layers")


def _noise(run: Run) -> Check | None:
    """Noise that a layer adds to the inputs, many times as large as they are."""
    layers = [layer for layer in run.card.layers if layer.kind not in ("InputLayer", "Reshape", "Flatten")]
    table = run.data.of_kind("input") if run.data is not None else None
    if not layers or layers[0].kind != "GaussianNoise" or table is None or len(table.rows) != 1:
        return None
    if not all(map(table.has, ("std", "min", "max"))):
        return None
    # Of a few ones among zeros the deviation is small, and they are told from each other by far more.
    low, high, deviation = (table.column(name)[:, 0].astype(np.float64) for name in ("min", "max", "std"))
    spreads = np.maximum(deviation, (high - low) / WHOLE_RANGE)
    spreads = spreads[np.isfinite(spreads) & (spreads > 0)]
    added, spread = layers[0].number("stddev") or 0.0, float(np.median(spreads)) if len(spreads) else np.inf
    if added < DROWNS * spread:
        return None
    text = f"{layers[0].path!r} adds noise of {added:.3g} to inputs that spread by {spread:.3g}."
    return _found("noise", text, added / spread, DROWNS, [layers[0]], "what is left of an input behind noise")


def _output_size(run: Run) -> int | None:
    """Of the last axis of what the loss is called on; None where that is not known."""
    shape = asked_shape(run.card)
    size = 1 if len(shape) == 1 else shape[-1] if shape else None
    return size if type(size) is int else None


def _dropout_of_the_output(run: Run, layers: tuple[LayerCard, ...], size: int | None) -> Check | None:
    """A Dropout that nothing follows, behind the layer whose units are the model's outputs; size: of those."""
    used = {source for layer in layers for source in layer.inputs}
    ends = [layer for layer in layers if layer.inputs and layer.path not in used]
    if len(ends) != 1 or ends[0].kind != "Dropout" or (ends[0].number("rate") or 0) < OF_OUTPUTS:
        return None
    source = next((layer for layer in layers if layer.path in ends[0].inputs), None)
    if source is None or not source.parameters or source.kind not in LINEAR or source.units != size:
        return None
    rate = ends[0].number("rate") or 0.0
    if not _is_seen(run, source, rate):
        return None
    text = f"{ends[0].path!r} sets {rate:.0%} of the model's outputs to 0 at each step, whatever the targets are."
    return _found("dropout_of_output", text, rate, OF_OUTPUTS, ends, "what is dropped behind the last layer is lost")


def _is_seen(run: Run, source: LayerCard, rate: float) -> bool:
    """Whether predictions are a layer's outputs of which a share was dropped, and the rest made larger for it.

    Their mean square is then that of the outputs, divided by the share that is left.
    """
    outputs = run.layers.of_kind("output") if run.layers is not None else None
    table = run.data.of_kind("prediction") if run.data is not None else None
    row = next((row for row in outputs.rows if row.layer == source.path), None) if outputs is not None else None
    if row is None or table is None or len(table.rows) != 1:
        return False
    if not all(map(outputs.has, ("activation_mean", "activation_std"))) or not all(map(table.has, ("mean", "std"))):
        return False
    _, i, j = np.intersect1d(outputs.steps, table.steps, return_indices=True)
    own = sum(outputs.cell(row.name, name)[i].astype(np.float64) ** 2 for name in ("activation_mean", "activation_std"))
    said = sum(table.column(name)[j, 0].astype(np.float64) ** 2 for name in ("mean", "std"))
    known = np.isfinite(own) & np.isfinite(said) & (own > 0)
    return bool(known.sum() >= FEWEST and abs(np.median(said[known] / own[known]) * (1 - rate) - 1) < AS_DROPPED)


def _dropout_by_function(run: Run) -> Check | None:
    """One that stands in no layer of the list."""
    told = run.card.settings.get("dropouts")
    rate = max((finite(one) or 0.0 for one in told), default=0.0) if isinstance(told, (list, tuple)) else 0.0
    if not DROPOUT < rate < 1.0:
        return None
    text = f"The forward pass drops {rate:.0%} of some layer's outputs at each step, by a function and not a layer."
    return _found("dropout", text, rate, DROPOUT, [], "usual rates are 0.1 … 0.5")


def _branches(run: Run) -> bool:
    """Whether layers stand beside each other, so that the list of them is no chain."""
    inputs = len(run.data.of_kind("input").rows) if run.data is not None else 0
    return inputs > 1 or any(layer.kind in JOINING for layer in run.card.layers)


def _linear_stack(layers: tuple[LayerCard, ...]) -> Check | None:
    weighted = [layer for layer in layers if layer.parameters]
    if len(weighted) < 2:
        return None
    before_last = layers[: layers.index(weighted[-1])]
    if any(layer.kind not in STRAIGHT or layer.activation not in (None, "linear") for layer in before_last):
        return None
    names = ", ".join(layer.path for layer in weighted[:3])
    text = f"{len(weighted)} weight layers without an activation between them ({names}) are together one linear layer."
    return _found("linear_stack", text, len(weighted), 1, weighted, "a product of matrices is a matrix")


def _found(fault: str, text: str, value: float, threshold: float, layers: list[LayerCard], source: str) -> Check:
    names = tuple(layer.path for layer in layers)[:8]
    evidence = Evidence(text, float(value), float(threshold), "", source, names)
    return Check(ID, TITLE, "found", (evidence,), 0, names, signs=(("fault", fault),))

"""What does a diagnosis look at? One training as frozen numpy data: Run, ModelCard, Series, Table.

Numpy only, no I/O. Recording fills a ModelCard and logs/ fills a Run; symptoms and causes read both.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import UnionType
from typing import Any, get_origin

import numpy as np


def finite(value: Any) -> float | None:
    """A value of a log's JSON as a number; None when it is anything else, NaN, infinite or an endless integer."""
    known = isinstance(value, (int, float)) and abs(value) <= sys.float_info.max
    return float(value) if known else None


@dataclass(frozen=True)
class Series:
    """One number per step.

    steps: int64 [n], strictly increasing. values: float64 [n]. A step without a value is left out, never NaN-filled:
    a NaN in `values` was measured as NaN.
    written: how many records the writer says it wrote; more than n when TensorBoard's sampling dropped some.
    """

    steps: np.ndarray
    values: np.ndarray
    written: int = 0

    def __len__(self) -> int:
        return len(self.steps)

    def between(self, first: int, last: int) -> "Series":
        """The part with first <= step <= last."""
        kept = (self.steps >= first) & (self.steps <= last)
        return replace(self, steps=self.steps[kept], values=self.values[kept])


@dataclass(frozen=True)
class Row:
    """What one row of a table is about.

    name: unique in its table, such as "dense/kernel" or "dense". kind: one of schema.ROW_KINDS.
    layer: path of the layer it belongs to; "" for inputs, targets and predictions.
    """

    name: str
    kind: str
    layer: str = ""

    @property
    def own_name(self) -> str:
        """Without its kind in front, which rows of the data have: "kl" of "loss:kl"."""
        return self.name.removeprefix(f"{self.kind}:")


@dataclass(frozen=True)
class Table:
    """Statistics by step, row and column; the layers, the data and the targets of a run are one each.

    steps: int64 [n], strictly increasing. values: float32 [n, rows, columns]; NaN where a column does not apply to a
        row. A large model's are 200 MB, so a part of a table shares them with the whole: read a part by `column`.
    at: int [rows], where a part's rows lie among those of `values`; None for a whole table.
    """

    steps: np.ndarray
    rows: tuple[Row, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    written: int = 0
    at: np.ndarray | None = None

    @classmethod
    def stacked(
        cls,
        steps: np.ndarray,
        rows: tuple[Row, ...],
        columns: tuple[str, ...],
        records: Sequence[np.ndarray],
        written: int,
    ) -> "Table":
        """A table of one float32 [rows, columns] per step.

        In memory each cell's values lie side by side, since whoever reads takes few columns over all steps.
        """
        return cls(steps, rows, columns, np.moveaxis(np.stack(list(records), axis=-1), -1, 0), written)

    def has(self, column: str) -> bool:
        return column in self.columns and len(self.steps) > 0

    def column(self, name: str) -> np.ndarray:
        """float32 [n, rows] of one column. Raises KeyError when it was not recorded; ask `has` first."""
        if name not in self.columns:
            raise KeyError(name)
        values = self.values[:, :, self.columns.index(name)]
        return values if self.at is None else values[:, self.at]

    def cell(self, row: str, column: str) -> np.ndarray:
        """float32 [n]: one row's column over the steps."""
        return self.of_rows([[r.name for r in self.rows].index(row)]).column(column)[:, 0]

    def of_kind(self, kind: str) -> "Table":
        """The rows of one kind, in order."""
        return self.of_rows([i for i, row in enumerate(self.rows) if row.kind == kind])

    def of_rows(self, kept: Sequence[int]) -> "Table":
        """The rows at these places. No value is copied before its column is taken."""
        at = np.asarray(kept, np.intp)
        return replace(self, rows=tuple(self.rows[i] for i in at), at=at if self.at is None else self.at[at])

    def between(self, first: float, last: float) -> "Table":
        """The records with first <= step <= last."""
        kept = slice(np.searchsorted(self.steps, first), np.searchsorted(self.steps, last, side="right"))
        return replace(self, steps=self.steps[kept], values=self.values[kept])


@dataclass(frozen=True)
class Histograms:
    """How the values of gradients, updates and layer outputs were distributed, at some of the sampled steps.

    steps: int64 [n], strictly increasing. lines: (name of the row, quantity) as in schema.HISTOGRAM_QUANTITIES.
    shares: float16 [n, lines, buckets] of the values in each bucket; NaN and Inf values are in none, so a line sums to
        1 less their share. NaN for a line that was not measured at a step.
    low, high: float64 [buckets], from which value to which a bucket goes; both 0 for exactly 0.
    """

    steps: np.ndarray
    lines: tuple[tuple[str, str], ...]
    shares: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def of_row(self, name: str) -> dict[str, np.ndarray]:
        """{quantity: float16 [n, buckets]} of what a row has, NaN at steps where it was not measured."""
        return {quantity: self.shares[:, i] for i, (row, quantity) in enumerate(self.lines) if row == name}


@dataclass(frozen=True)
class LayerCard:
    """One layer of the model, in data-flow order.

    path: unique, "block/dense_1". kind: the class name, "Dense". activation: Keras name or None when it has none.
    initializers: {"kernel": {"name": "GlorotUniform", "config": {...}}, ...}.
    inputs: paths of the layers that feed it. units: size of the last output axis, None when unknown.
    settings: what only some layers have: rate (dropout), regularizers, kernel_size, return_sequences; bases, Keras's
        layers that its class was derived from; how the weights started: kernel_mean, _std, _max_abs, _fan_in,
        _identical_columns, bias_mean, _min, _max; and of a frozen normalization layer what it expects, averages over
        its channels: moving_mean, moving_variance, scale_mean, offset_mean.
    """

    path: str
    kind: str
    activation: str | None = None
    initializers: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    units: int | None = None
    parameters: int = 0
    trainable: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)

    def number(self, setting: str) -> float | None:
        """A setting that is a finite number; None when it is anything else or not there."""
        return finite(self.settings.get(setting))


@dataclass(frozen=True)
class ModelCard:
    """The static facts of a training: what the user wrote.

    rows, columns: the axes of the recorded tensors, {"steps": [...], "layers": [...], ...}; data_rows: DATA's rows.
    optimizer: {"name": "Adam", "config": {...}}, the one with most weights; with several the others as a list "others".
    loss: {"name": "CategoricalCrossentropy", "from_logits": False,
    "reads_logits": True}, where reads_logits says that Keras will take the layer's cached pre-activation values.
    batch_size, steps_per_epoch, epochs: None when unknown. precision: Keras's dtype policy name.
    settings: how it was recorded, and facts that no other field has, each only where it is known:
        loss_shapes        {"target": [null], "prediction": [null, 1]}, as the first output's loss was called; the batch
                           axis is null
        not_measured       why the references of the loss ("loss_shuffled", …) were not measured, a clause that can
                           follow "because": "the loss is computed inside train_step"
        pull_not_measured  why it is not known how hard the terms of the loss pull, a clause that can follow "because"
        broadcasts         [{"operation": "sub", "left": [32], "right": [32, 1], "result": [32, 32], "where":
                           "train.py:17"}], in the user's own loss, where two ranks met
        untracked          [{"name": "layers.0.weight", "shape": [64, 64], "holder": "MyLayer"}], weights that the
                           forward pass reads and no optimizer has, though nothing says that they are frozen
        optimizer_share    of the model's trainable weights (elements), the share that the optimizers have
        optimizer_foreign  elements of weights that the optimizers have and the model does not
        gradients_cleared  true where the optimizer got nothing of what the backward pass had given: it was cleared
        callbacks          [{"name": "ReduceLROnPlateau", "config": {...}}] of fit; of torch the rate schedulers
        inputs             {"x": {"dtype": "int32", "shape": [12]}}, of each input, without the batch axis
        functional         whether the layers make up the model's whole graph, so that it can be rebuilt from them
        dropouts           [0.9], the shares that functions drop in the forward pass, those of layers may be among them
        mixing             [{"operation": "view" or "softmax", "layer": "lstm"}], what runs the examples of a batch into
                           each other: a layer's input viewed where axes were to be swapped, a softmax over the batch
        calls_per_step     how often the model was called in a step, where more than once
        draws_together     true where the loss is the mean of cosines between outputs, with a gradient on both sides
        second_derivatives true where the loss holds some, of outputs by inputs
    """

    framework: str = ""
    model: str = "model"
    layers: tuple[LayerCard, ...] = ()
    rows: tuple[Row, ...] = ()
    data_rows: tuple[Row, ...] = ()
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optimizer: Mapping[str, Any] = field(default_factory=dict)
    loss: Mapping[str, Any] = field(default_factory=dict)
    metrics: tuple[str, ...] = ()
    precision: str = "float32"
    batch_size: int | None = None
    steps_per_epoch: int | None = None
    epochs: int | None = None
    parameters: int = 0
    trainable_parameters: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts and lists, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "ModelCard":
        """The card back, its layers in data-flow order. Unknown keys are ignored, so later additions still read.

        Raises ValueError or TypeError when a part has the wrong shape.
        """
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        known["layers"] = _in_flow_order([_part(LayerCard, part) for part in known.get("layers", ())])
        known["rows"] = tuple(_part(Row, part) for part in known.get("rows", ()))
        known["data_rows"] = tuple(_part(Row, part) for part in known.get("data_rows", ()))
        known["columns"] = {name: tuple(columns) for name, columns in known.get("columns", {}).items()}
        known["metrics"] = tuple(known.get("metrics", ()))
        return cls(**_typed(cls, known))

    def layer(self, path: str) -> LayerCard | None:
        return next((layer for layer in self.layers if layer.path == path), None)


def _in_flow_order(layers: list[LayerCard]) -> tuple[LayerCard, ...]:
    """Inner layers in front of the layer that holds them.

    A layer is listed when its call ends, so its inner ones come first; but those that it never calls as layers, such as
    an attention's softmax, are recorded last of all, behind the model's output.
    """
    places = {layer.path: at for at, layer in enumerate(layers)}

    def place(at: int) -> float:
        path = layers[at].path
        holders = (path[:end] for end, character in enumerate(path) if character == "/")
        return min([at, *(places[holder] - 0.5 for holder in holders if holder in places)])

    return tuple(layers[at] for at in sorted(range(len(layers)), key=place))


def _part(kind: type, value: Mapping[str, Any]) -> Any:
    known = {name: value[name] for name in kind.__dataclass_fields__ if name in value}
    if "inputs" in known:
        known["inputs"] = tuple(known["inputs"])
    return kind(**_typed(kind, known))


def _typed(kind: type, values: dict[str, Any]) -> dict[str, Any]:
    """The values, once each is of its field's type; what a check reads from a card need not be asked again."""
    for name, value in values.items():
        annotation = kind.__annotations__[name]
        wanted = annotation if isinstance(annotation, UnionType) else get_origin(annotation) or annotation
        if not isinstance(value, wanted):
            raise TypeError(f"the card has {value!r} where a {name} should be")
    return values


@dataclass(frozen=True)
class Event:
    """A rare fact at a step: {"kind": "no_gradient", "rows": [...]}. See schema.EVENT_KINDS."""

    step: int
    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One training as read from its log. A part that was not logged is None, or absent from its mapping.

    steps: per-step series by schema.STEP_COLUMNS name ("loss", "learning_rate", ...).
    epochs: epoch metrics by Keras name ("loss", "val_loss", ...); their `steps` are the training steps at epoch end.
        For a log that knows epochs only, these are epoch numbers and `steps` is empty.
    step_unit: "step" or "epoch": what the x axis of `epochs` counts.
    skipped: what could not be read, one sentence each. restarts: steps at which an earlier part was overwritten.
    source: "recorded" for our own logs, "scalars" for plain scalar logs. ended: whether its recording was closed, as a
        training does that is over; one that goes on, or was killed, has not.
    """

    name: str
    card: ModelCard | None = None
    steps: Mapping[str, Series] = field(default_factory=dict)
    epochs: Mapping[str, Series] = field(default_factory=dict)
    layers: Table | None = None
    data: Table | None = None
    targets: Table | None = None
    histograms: Histograms | None = None
    events: tuple[Event, ...] = ()
    skipped: tuple[str, ...] = ()
    restarts: tuple[int, ...] = ()
    source: str = "recorded"
    step_unit: str = "step"
    wall_time: float = 0.0
    ended: bool = False

    def loss_terms(self, column: str) -> Table | None:
        """What the loss is made of, a row for each term that is known by name; None where none has this column."""
        return self._data_of("loss", column)

    def learning_rates(self) -> Table | None:
        """Where several optimizers step, the learning rate of each by column "mean"; None elsewhere."""
        return self._data_of("rate", "mean")

    def _data_of(self, kind: str, column: str) -> Table | None:
        rows = self.data.of_kind(kind) if self.data is not None and self.data.has(column) else None
        return rows if rows is not None and rows.rows else None

    @property
    def last_step(self) -> int:
        """The newest step any part of the run knows; 0 for an empty run."""
        ends = [s.steps[-1] for s in (*self.steps.values(), *self.epochs.values()) if len(s)]
        ends += [t.steps[-1] for t in (self.layers, self.data) if t is not None and len(t.steps)]
        return int(max(ends, default=0))

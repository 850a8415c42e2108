"""Which training do the tabs show? A made-up one of many layers in modules, as our log and as TensorBoard's own.

The numbers are those of a deep network whose gradient vanishes towards the input and leaps once, with noise of a tenth.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.histogram import metadata as histograms
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboard.util import tensor_util

from tb_lossdiag import schema
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import LayerCard, ModelCard, Row

RECORDS = 2000
RUN = "deep"
BLOCKS_PER_STAGE, LAYERS_PER_BLOCK = 10, 5
CLASSES = 10
LEAP = 1200  # the record in which the gradient is a thousand times its size
DECADES = 6  # from the last layer's gradient to the first one's
BINS = 30  # TensorBoard's default
KEPT_HISTOGRAMS = 50  # per tag, of however many: TensorBoard's default
SIZES = {
    "weight_norm": 5.0,
    "update_norm": 5e-3,
    "update_ratio": 1e-3,
    "activation_std": 0.6,
    "activation_max_abs": 3.0,
}


def names(layers: int) -> list[str]:
    per_stage = BLOCKS_PER_STAGE * LAYERS_PER_BLOCK
    return [
        f"stage_{i // per_stage}/block_{i // LAYERS_PER_BLOCK % BLOCKS_PER_STAGE}/dense_{i % LAYERS_PER_BLOCK}"
        for i in range(layers)
    ]


def card(layers: int) -> ModelCard:
    scale = {"kernel_mean": 0.0, "kernel_std": (1 / 64) ** 0.5, "kernel_fan_in": 64}
    glorot = {"kernel": {"name": "GlorotUniform", "config": {}}}
    paths = names(layers)
    hidden = [LayerCard(path, "Dense", "sigmoid", glorot, (), 64, 64 * 64, True, scale) for path in paths[:-1]]
    output = LayerCard(paths[-1], "Dense", "softmax", glorot, (), CLASSES, 64 * CLASSES, True, scale)
    total = sum(layer.parameters for layer in (*hidden, output))
    rows = [row for path in paths for row in (Row(f"{path}/kernel", "variable", path), Row(path, "output", path))]
    return ModelCard(
        framework="keras",
        layers=(*hidden, output),
        rows=tuple(rows),
        optimizer={"name": "SGD", "config": {"learning_rate": 0.01}},
        loss={"name": "sparse_categorical_crossentropy", "from_logits": False, "reads_logits": True},
        batch_size=32,
        parameters=total,
        trainable_parameters=total,
    )


def gradient_norms(layers: int) -> np.ndarray:
    """float32 [RECORDS, layers]."""
    rng = np.random.default_rng(0)
    depth = 10.0 ** np.linspace(-DECADES, 0, layers)
    norms = 0.1 * depth * rng.uniform(0.9, 1.1, (RECORDS, layers))
    norms[LEAP] *= 1e3
    return norms.astype(np.float32)


def losses() -> np.ndarray:
    return np.log(CLASSES) + np.random.default_rng(1).normal(0, 0.01, RECORDS)


def write_ours(log_dir: Path, layers: int) -> None:
    model = card(layers)
    rng = np.random.default_rng(2)
    kinds = np.array([row.kind for row in model.rows])
    typical = {
        column: np.where(kinds == kind, 0.0 if "nonfinite" in column else SIZES.get(column, 0.01), np.nan)
        for column, kind in schema.LAYER_COLUMNS.items()
    }
    with DiagnosticsWriter(log_dir / RUN, model) as writer:
        for step, (loss, norms) in enumerate(zip(losses(), gradient_norms(layers), strict=True), 1):
            noise = rng.uniform(0.9, 1.1, len(kinds))
            cells = {column: size * noise for column, size in typical.items()}
            cells["gradient_norm"] = np.where(kinds == "variable", np.repeat(norms, 2), np.nan)
            writer.write_layers(step, cells)
            norm = float(np.linalg.norm(norms))
            writer.write_step(
                step, loss=loss, learning_rate=0.01, gradient_norm=norm, update_norm=0.01 * norm, gradient_nonfinite=0
            )


def write_scalars(log_dir: Path, layers: int) -> None:
    """What people log to look at gradients: one scalar per layer and step, and the loss."""
    values = {
        f"gradient_norm/{name}": norms for name, norms in zip(names(layers), gradient_norms(layers).T, strict=True)
    }
    values["loss"] = losses()
    with _events(log_dir) as writer:
        for tag, series in values.items():
            for step, value in enumerate(series.tolist(), 1):
                writer.add_event(_event(step, Summary.Value(tag=tag, simple_value=value)))


def write_histograms(log_dir: Path, layers: int) -> None:
    """One histogram per layer at as many steps as TensorBoard keeps of however many there are."""
    rng = np.random.default_rng(3)
    metadata = histograms.create_summary_metadata(None, None)
    bell = np.exp(-(np.linspace(-2, 2, BINS) ** 2))
    edges = np.linspace(-0.5, 0.5, BINS + 1)
    with _events(log_dir) as writer:
        for name in names(layers):
            for step in np.linspace(1, RECORDS, KEPT_HISTOGRAMS).astype(int).tolist():
                counts = rng.multinomial(64 * 64, bell / bell.sum())
                tensor = tensor_util.make_tensor_proto(np.stack([edges[:-1], edges[1:], counts], 1))
                value = Summary.Value(tag=f"{name}/kernel", tensor=tensor, metadata=metadata)
                writer.add_event(_event(step, value))


def _event(step: int, value: Summary.Value) -> Event:
    return Event(step=step, wall_time=1.7e9 + step, summary=Summary(value=[value]))


@contextmanager
def _events(log_dir: Path) -> Iterator[EventFileWriter]:
    writer = EventFileWriter(str(log_dir / RUN))
    yield writer
    writer.close()

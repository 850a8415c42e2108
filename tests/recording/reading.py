"""What did the recording write? The records of a log directory, decoded by TensorBoard's own event file loader."""

from pathlib import Path

import numpy as np
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.util.tensor_util import make_ndarray

from tb_lossdiag import schema
from tb_lossdiag.run import ModelCard


class Records:
    """of(tag): [(step, value)] over all event files; card: the newest."""

    def __init__(self, log_dir: Path) -> None:
        self.files = sorted((Path(log_dir) / schema.RUN_DIRECTORY).glob("events.out.tfevents.*"))
        self.values = []
        for file in self.files:
            for event in EventFileLoader(str(file)).Load():
                for value in event.summary.value:
                    self.values.append((value.tag, event.step, value))
        self.card = ModelCard.from_dict(self.of(schema.CARD)[-1][1]) if self.of(schema.CARD) else None

    def of(self, tag: str) -> list:
        decoded = []
        for known, step, value in self.values:
            if known == tag:
                array = make_ndarray(value.tensor)
                decoded.append((step, schema.decode_json(array.item()) if tag in schema.JSON_TAGS else array))
        # A writer that goes on in a directory takes each tag over with a record that holds nothing.
        return [(step, record) for step, record in decoded if len(record)]

    def steps(self, tag: str) -> list[int]:
        return [step for step, _ in self.of(tag)]

    def column(self, name: str) -> dict[int, float]:
        """Step to the value of one STEPS column."""
        return {step: float(values[schema.STEP_COLUMNS.index(name)]) for step, values in self.of(schema.STEPS)}

    def cell(self, row: str, column: str) -> np.ndarray:
        """float32 [sampled steps] of one cell of LAYERS."""
        index = [known.name for known in self.card.rows].index(row)
        return np.array([table[index, list(schema.LAYER_COLUMNS).index(column)] for _, table in self.of(schema.LAYERS)])

    def data(self, row: str, column: str) -> np.ndarray:
        index = [known.name for known in self.card.data_rows].index(row)
        return np.array([table[index, schema.DATA_COLUMNS.index(column)] for _, table in self.of(schema.DATA)])

    def terms(self) -> dict[str, np.ndarray]:
        """float32 [sampled steps] of each named term of the loss."""
        names = [row.name for row in self.card.data_rows if row.kind == "loss"]
        return {name.removeprefix("loss:"): self.data(name, "mean") for name in names}

    def check_three_terms(self, history: dict[str, list[float]]) -> None:
        """That the terms of `three_terms` are those that Keras reports, after a fit of one batch an epoch."""
        found = self.terms()
        assert sorted(found) == ["hidden", "kind_loss", "size_loss"]
        for name in ("kind_loss", "size_loss"):
            np.testing.assert_allclose(found[name], history[name], rtol=1e-5)
        np.testing.assert_allclose(sum(found.values()), list(self.column("loss").values()), rtol=1e-5)
        np.testing.assert_allclose(found["hidden"], list(self.column("penalty").values()), rtol=1e-5)

    def events(self, kind: str) -> list[dict]:
        return [{"step": step, **event} for step, event in self.of(schema.EVENTS) if event["kind"] == kind]

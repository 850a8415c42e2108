"""Which logs is the command line asked about? One run that is sick, one that is healthy, one nobody can read."""

import numpy as np
import pytest
from event_files import scalars, step_record, tensor, write

from tb_lossdiag import schema
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard


@pytest.fixture
def sick(tmp_path):
    """A log with one run whose loss turns NaN."""
    card = ModelCard(framework="torch 2.14.1")  # of a writer that nobody knows the fixes have no code
    with DiagnosticsWriter(tmp_path / "sick", card) as writer:
        for step in range(1, 41):
            loss = 1.0 if step < 20 else np.nan
            writer.write_step(step, loss=loss, learning_rate=0.1, gradient_norm=loss, gradient_nonfinite=step >= 20)
    return tmp_path


@pytest.fixture
def healthy(tmp_path):
    """A log with one run that learns."""
    write(tmp_path / "healthy" / "train", scalars("epoch_loss", 2 * 0.9 ** np.arange(20)))
    return tmp_path


@pytest.fixture
def newer(tmp_path):
    """A log with one run by a later version."""
    write(tmp_path / "newer" / "diagnostics", [tensor(schema.STEPS, 1, step_record(1, loss=1), content=b"99")])
    return tmp_path

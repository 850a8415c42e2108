"""Does the cursor of a picture stay on its row and its step while the log grows under it?"""

import numpy as np
import pytest
import synthetic
import written_logs

from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard, Row

ROWS = tuple(Row(f"dense_{i}/kernel", "variable", f"dense_{i}") for i in range(4))


@pytest.fixture(scope="module")
def growing_address(tmp_path_factory, serve):
    log_dir = tmp_path_factory.mktemp("growing")
    with serve(log_dir) as url:
        yield log_dir, url


def write(writer: DiagnosticsWriter, first: int, last: int) -> None:
    """A record of every step, so that a heatmap merges several into each of its 1,000 columns."""
    for step in range(first, last + 1):
        writer.write_step(step, loss=1 / step)
        writer.write_layers(step, {"gradient_norm": np.full(len(ROWS), float(step))})
    writer.flush()


def test_the_heatmaps_cursor_stays_on_its_layer_and_step_when_columns_are_merged_anew(entry, growing_address):
    log_dir, url = growing_address
    with DiagnosticsWriter(log_dir / "run", card=ModelCard(rows=ROWS)) as writer:
        write(writer, 1, 1500)
        page = entry("&p.lossdiag.run=run", url)
        page.locator(".verdict-facts", has_text="step 1,500").wait_for()  # TensorBoard may still be reading
        heatmap = page.get_by_role("application")
        heatmap.focus()
        for key in ("ArrowDown", "ArrowDown", "End", *["Shift+ArrowLeft"] * 30):
            page.keyboard.press(key)
        assert heatmap.get_by_role("status").inner_text().startswith("dense_2/kernel, steps 1,049 to 1,050: ")
        write(writer, 1501, 2600)
    tooltip = page.locator(".tooltip", has_text="steps 1,048 to 1,050")
    tooltip.wait_for()
    assert "dense_2/kernel" in tooltip.inner_text()
    page.keyboard.press("ArrowRight")
    assert heatmap.get_by_role("status").inner_text().startswith("dense_2/kernel, steps 1,051 to 1,053: ")


def test_the_cursor_of_a_distribution_stays_on_its_bucket_and_step(entry, growing_address):
    log_dir, url = growing_address
    run = synthetic.healthy()
    with DiagnosticsWriter(log_dir / "buckets", card=written_logs.full_card(run)) as writer:
        written_logs.write_steps(writer, run, 1, 200)
        written_logs.write_histograms(writer, run, range(40, 201, 40))
        writer.flush()
        page = entry("&p.lossdiag.run=buckets&p.lossdiag.row=hidden_1/kernel", url)
        chart = page.get_by_role("application", name="Distribution of Gradient: kernel")
        chart.focus()
        chart.press("PageDown")
        chart.press("End")
        told = page.locator(".tooltip").inner_text()
        written_logs.write_steps(writer, run, 201, 400)
        written_logs.write_histograms(writer, run, range(240, 401, 40))
    page.locator(".verdict-facts", has_text="step 400").wait_for()
    page.wait_for_function("document.querySelector('.distribution').ariaLabel.includes('10 steps')")
    assert "step 200" in told
    assert page.locator(".tooltip").inner_text() == told

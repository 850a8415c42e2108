"""Can the charts be zoomed, opened, read as tables and taken along, on a run too large to draw every point of?"""

import csv

import numpy as np
import pytest
from playwright.sync_api import expect

from tb_lossdiag import DiagnosticsWriter, ModelCard
from tb_lossdiag.run import Row

MARGIN = 240  # CSS pixels of the heatmap's names, and some of its plot


@pytest.fixture
def charts(entry, nested_address):
    page = entry("&p.lossdiag.statistic=gradient_norm", nested_address)
    page.locator(".heatmap canvas").wait_for()
    return page


def choose(page, chart, action):
    page.get_by_label(f"{chart}: more").click()
    page.get_by_role("button", name=action).locator("visible=true").click()


def dragged(page, first, last):
    """Drags over the heatmap from one point of its canvas to another."""
    canvas = page.locator(".heatmap canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + first[0], box["y"] + first[1])
    page.mouse.down()
    page.mouse.move(box["x"] + last[0], box["y"] + last[1], steps=3)
    page.mouse.up()


def test_modules_open_and_close_and_a_search_finds_what_they_hide(charts):
    toggle = charts.get_by_role("button", name="stage_1, 20 rows")
    expect(charts.get_by_role("button", name="stage_1/block_2, 5 rows")).to_be_visible()
    toggle.click()
    assert toggle.get_attribute("aria-expanded") == "false"
    expect(charts.get_by_role("button", name="stage_1/block_2, 5 rows")).to_have_count(0)
    charts.get_by_label("Search layers").fill("stage_1/block_2/dense_3")
    expect(charts.get_by_role("button", name="stage_1/block_2, 1 rows")).to_be_visible()
    expect(charts.locator(".layer-table tbody tr")).to_have_count(1)


def test_a_drag_over_the_heatmap_zooms_every_chart_and_a_double_click_shows_all_again(charts):
    dragged(charts, (MARGIN + 100, 60), (MARGIN + 300, 200))
    expect(charts.get_by_role("button", name="All rows")).to_be_visible()
    assert charts.get_by_text("steps ", exact=False).first.inner_text().startswith("steps ")
    charts.locator(".heatmap canvas").dblclick(position={"x": MARGIN + 50, "y": 50})
    expect(charts.get_by_text("drag to zoom")).to_be_visible()
    expect(charts.get_by_role("button", name="All rows")).to_have_count(0)


def test_rows_and_steps_of_the_heatmap_zoom_from_the_keyboard(charts):
    charts.get_by_role("application").focus()
    charts.keyboard.press("ArrowDown")
    charts.keyboard.press("]")
    charts.keyboard.press("+")
    expect(charts.get_by_role("button", name="All rows")).to_be_visible()
    expect(charts.get_by_role("button", name="Show all")).to_be_visible()
    charts.keyboard.press("0")
    expect(charts.get_by_text("drag to zoom")).to_be_visible()
    expect(charts.get_by_role("button", name="All rows")).to_have_count(0)
    charts.keyboard.press("ArrowUp")
    charts.keyboard.press("Enter")
    assert charts.get_by_role("button", name="stage_0, 20 rows").get_attribute("aria-expanded") == "false"


def test_zooming_asks_for_the_points_that_were_merged(charts):
    legend = charts.locator(".legend", has_text="Batch loss")
    assert "of 5,000 points" in legend.inner_text()
    with charts.expect_response("**/series?**first=**"):
        dragged(charts, (MARGIN + 100, 60), (MARGIN + 200, 62))
    legend.get_by_text("of 5,000 points").wait_for(state="detached")


def test_every_chart_has_an_equal_table(charts, violations):
    choose(charts, "Loss", "Show as table")
    table = charts.get_by_label("Loss as a table")
    assert table.get_by_role("columnheader").all_inner_texts() == [
        "step",
        "Batch loss",
        "Batch loss low",
        "Batch loss high",
    ]
    choose(charts, "Gradient norm", "Show as table")
    rows = charts.get_by_label("Gradient norm as a table").get_by_role("rowheader").all_inner_texts()
    assert rows[:2] == ["stage_0, 20 rows", "stage_0/block_0, 5 rows"]
    assert violations() == []


def test_a_long_table_holds_only_the_rows_in_view_and_scrolls_to_the_others(charts):
    choose(charts, "Loss", "Show as table")
    table = charts.get_by_label("Loss as a table")
    assert table.get_by_role("row").count() < 60
    table.evaluate("region => region.scrollTo(0, region.scrollHeight)")
    table.get_by_role("rowheader", name="6,000").wait_for()


def test_a_layer_opens_its_own_charts_and_leads_back(charts, violations):
    charts.locator(".layer-table").get_by_role("button", name="stage_0/block_0/dense_1/kernel").click()
    detail = charts.locator(".layer-detail")
    detail.locator(".chart canvas").first.wait_for()
    expect(detail.locator(".legend h3")).to_have_text(
        ["Gradient norm", "Weight norm", "Gradient / weight"], use_inner_text=True
    )
    detail.get_by_text("No histograms were recorded").wait_for()
    assert violations() == []
    detail.get_by_role("button", name="Close").click()
    expect(detail).to_have_count(0)


def test_a_link_to_a_row_in_a_closed_module_opens_the_module(entry, nested_address):
    page = entry("&p.lossdiag.run=nested&p.lossdiag.row=stage_1/block_2/dense_3/kernel", nested_address)
    toggle = page.get_by_role("button", name="stage_1/block_2, 5 rows")
    toggle.wait_for()
    assert toggle.get_attribute("aria-expanded") == "true"
    assert page.get_by_role("button", name="stage_1/block_1, 5 rows").get_attribute("aria-expanded") == "false"


@pytest.mark.parametrize(("chart", "head"), [("Loss", "step"), ("Gradient norm", "row")])
def test_what_a_chart_shows_is_taken_along_as_csv_and_as_a_picture(charts, chart, head):
    with charts.expect_download() as download:
        choose(charts, chart, "Download CSV")
    with open(download.value.path(), newline="") as file:
        first, *rows = list(csv.reader(file))
    assert first[0] == head
    assert len(rows) >= 60
    with charts.expect_download() as download:
        choose(charts, chart, "Download PNG")
    assert download.value.suggested_filename.endswith(".png")
    assert download.value.path().read_bytes()[:4] == b"\x89PNG"


def test_a_number_stands_beside_the_threshold_it_met(entry):
    page = entry("&p.lossdiag.run=vanishing&p.lossdiag.statistic=update_ratio")
    row = page.locator(".layer-table tr", has_text="hidden_1/kernel")
    assert "below 5e-5" in row.inner_text()
    assert "only 5e-08" in row.locator("td.met[title*='moves the weights']").get_attribute("title")


def test_steps_are_spaced_by_magnitude_on_demand(charts):
    pictures = "[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())"
    even = charts.evaluate(pictures)
    charts.get_by_role("button", name="log steps").click()
    charts.wait_for_function(f"even => ({pictures}).every((picture, i) => picture !== even[i])", arg=even)


def test_the_terms_of_a_loss_share_a_chart_under_the_names_they_have(entry, serve, tmp_path):
    names = ("kind_loss", "<mark>kl</mark>_loss")
    card = ModelCard(data_rows=tuple(Row(f"loss:{name}", "loss") for name in names))
    with DiagnosticsWriter(tmp_path / "run", card=card) as writer:
        for step in (1, 2, 3):
            writer.write_data(step, {"mean": [0.5 / step, np.nan if step == 3 else 2.0], "nonfinite": [0, step == 3]})
            writer.write_step(step, loss=np.nan if step == 3 else 2.0 + 0.5 / step)
    with serve(tmp_path) as address:
        page = entry(url=address)
        legend = page.locator(".chart", has=page.get_by_role("heading", name="Loss terms")).locator(".legend")
        legend.wait_for()
        assert all(name in legend.inner_text() for name in names)
        expect(page.locator("mark")).to_have_count(0)
        page.get_by_text(
            "The first NaN or Inf is in the loss's term '<mark>kl</mark>_loss', at step 3."
        ).first.wait_for()

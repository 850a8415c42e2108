"""Does an opened layer show how its values were distributed, to pointer, keyboard, reader and spreadsheet alike?"""

import csv

import pytest
from playwright.sync_api import expect


@pytest.fixture
def distributions(entry):
    page = entry("&p.lossdiag.run=healthy&p.lossdiag.row=hidden_1/kernel")
    page.locator(".distributions canvas").first.wait_for()
    return page.locator(".distributions")


def test_each_row_has_a_chart_per_quantity(distributions):
    assert distributions.locator(".legend h3").all_inner_texts() == [
        "Gradient: kernel",
        "Update: kernel",
        "Gradient: bias",
        "Update: bias",
        "Output",
    ]
    assert "NaN or Inf: up to 10 %" in distributions.locator(".chart", has_text="Update: kernel").inner_text()


def test_arrow_keys_walk_the_buckets_and_the_pointer_reads_them(distributions):
    chart = distributions.get_by_role("application", name="Distribution of Output")
    chart.focus()
    chart.press("PageDown")
    chart.press("End")
    assert chart.get_by_role("status").inner_text() == "step 400, exactly 0: 50 %"
    chart.press("ArrowLeft")
    assert chart.get_by_role("status").inner_text().startswith("step 360, ")
    update = distributions.get_by_role("application", name="Distribution of Update: kernel")
    box = update.bounding_box()
    update.hover(position={"x": box["width"] - 24, "y": 65})
    assert update.locator(".tooltip").inner_text().split("\n") == ["0 %", "exactly 0", "step 400", "NaN or Inf: 10 %"]


def test_a_drag_over_the_steps_zooms_every_chart_and_a_double_click_shows_all_again(distributions, page):
    chart = distributions.get_by_role("application", name="Distribution of Output")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.75 * box["width"], box["y"] + 90, steps=3)
    assert chart.locator(".brush").bounding_box()["height"] == 130
    page.mouse.up()
    expect(chart.locator(".brush")).to_have_count(0)
    shown = page.locator(".section-head", has_text="Curves").locator(".muted").first.inner_text()
    first, last = (int(word) for word in shown.split() if word.isdigit())
    assert 100 < first < 250 < last < 350
    chart.dblclick(position={"x": 0.6 * box["width"], "y": 20})
    expect(page.get_by_text("drag to zoom")).to_be_visible()


def test_a_table_and_a_csv_hold_the_same_shares(distributions, page, violations):
    distributions.get_by_label("Output: more").click()
    distributions.get_by_role("button", name="Show as table").locator("visible=true").click()
    table = distributions.get_by_label("Output as a table")
    heads = table.get_by_role("columnheader").all_inner_texts()
    assert heads[:3] == ["step", "NaN or Inf", "exactly 0"]
    assert table.get_by_role("row", name="400").get_by_role("cell").nth(1).inner_text() == "50 %"
    assert violations() == []
    distributions.get_by_label("Output: more").click()
    with page.expect_download() as download:
        distributions.get_by_role("button", name="Download CSV").locator("visible=true").click()
    with open(download.value.path(), newline="") as file:
        first, *rows = list(csv.reader(file))
    assert first == heads
    assert len(rows) == 10


def test_another_run_shows_no_chart_of_the_one_before(distributions, page):
    page.locator(".run", has_text="vanishing").click()
    page.locator(".verdict-run", has_text="vanishing").wait_for()
    expect(distributions).to_have_count(0)

"""Does axe find anything wrong, whatever the reader has opened, in the light theme or the dark one?"""

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize("run", ["vanishing", "healthy"])
def test_nothing_on_the_page_of_a_run_with_an_opened_layer_and_its_distributions(entry, in_both_themes, run):
    page = entry(f"&p.lossdiag.run={run}&p.lossdiag.row=hidden_1/kernel")
    page.locator(".heatmap canvas").wait_for()
    page.locator(".layer-table tr.selected").wait_for()
    page.locator(".distributions canvas").first.wait_for()
    assert in_both_themes() == []


def test_nothing_in_the_opened_share_menu(entry, in_both_themes):
    page = entry("&p.lossdiag.run=vanishing")
    page.locator("summary", has_text="Share").click()
    page.get_by_role("link", name="Download JSON").wait_for()
    assert in_both_themes() == []


def test_nothing_where_all_findings_and_all_lists_are_open(entry, in_both_themes):
    page = entry("&p.lossdiag.run=vanishing")
    closed = page.locator(".finding-head[aria-expanded=false]")
    while closed.count():
        closed.first.click()
    page.get_by_role("button", name="Mute ").last.click()
    page.locator(".setup .facts").first.wait_for()
    page.locator(".heatmap canvas").wait_for()
    page.evaluate("document.querySelectorAll('details.folded, details.setup-layers').forEach(list => list.open = true)")
    expect(page.get_by_role("button", name="Show again ")).to_be_visible()
    expect(page.locator(".setup-layers dl")).to_be_visible()
    assert in_both_themes() == []


def test_nothing_in_a_chart_menu_or_beside_a_cell_in_hand(entry, in_both_themes):
    page = entry("&p.lossdiag.run=vanishing&p.lossdiag.statistic=gradient_norm")
    page.get_by_label("Loss: more").click()
    page.get_by_role("application").hover(position={"x": 500, "y": 20})
    page.locator(".tooltip").wait_for()
    expect(page.get_by_role("button", name="Download PNG")).to_be_visible()
    assert in_both_themes() == []


def test_nothing_in_the_tables_of_all_charts(entry, in_both_themes):
    page = entry("&p.lossdiag.run=healthy&p.lossdiag.row=hidden_1/kernel")
    page.locator(".heatmap canvas").wait_for()
    page.locator(".distributions canvas").first.wait_for()
    for menu in page.locator(".chart-menu").all():
        menu.locator("summary").click()
        menu.get_by_role("button", name="Show as table").click()
    expect(page.locator(".content canvas")).to_have_count(0)
    assert page.locator(".series-table").count() > 10
    assert in_both_themes() == []


def test_nothing_on_zoomed_charts_of_nested_modules(entry, nested_address, in_both_themes):
    page = entry("&p.lossdiag.run=nested&p.lossdiag.steps=200-4000", nested_address)
    page.locator(".heatmap canvas").wait_for()
    page.get_by_role("button", name="log steps").click()
    page.get_by_role("button", name="stage_1, 20 rows").click()
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("]")
    page.get_by_role("button", name="All rows").wait_for()
    assert in_both_themes() == []


def test_nothing_in_a_comparison_or_among_the_boxes_that_choose_its_runs(entry, in_both_themes):
    page = entry("&p.lossdiag.run=healthy&p.lossdiag.with=vanishing")
    page.get_by_role("heading", name="2 runs compared").wait_for()
    page.locator(".heatmap canvas").wait_for()
    assert page.get_by_label("Compare vanishing with the baseline").is_checked()
    assert in_both_themes() == []
    page.get_by_role("application").hover(position={"x": 500, "y": 20})
    page.get_by_label("Loss: more").click()
    page.get_by_role("button", name="Show as table").locator("visible=true").click()
    assert in_both_themes() == []

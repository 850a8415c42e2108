"""Can the tab be used from the keyboard and with a screen reader?"""

from playwright.sync_api import expect


def test_arrow_keys_walk_the_heatmap_and_speak_each_cell(entry):
    page = entry("&p.lossdiag.run=vanishing&p.lossdiag.statistic=gradient_norm")
    heatmap = page.get_by_role("application")
    heatmap.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    assert heatmap.get_by_role("status").inner_text().startswith("hidden_1/bias, step 400: ")
    page.keyboard.press("Home")
    assert heatmap.get_by_role("status").inner_text().startswith("hidden_1/bias, step 1: ")
    page.keyboard.press("Enter")
    assert page.locator(".layer-table tr.selected th").inner_text() == "hidden_1/bias"


def test_arrow_keys_read_the_loss_curve(entry):
    page = entry("&p.lossdiag.run=vanishing")
    slider = page.get_by_role("slider", name="Loss over steps")
    slider.focus()
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext").startswith("step 1: Batch loss 2.")
    page.keyboard.press("Shift+ArrowRight")
    assert slider.get_attribute("aria-valuetext").startswith("step 11: ")


def test_the_step_axis_zooms_from_the_keyboard(entry):
    page = entry("&p.lossdiag.run=vanishing")
    page.get_by_role("slider", name="Loss over steps").focus()
    page.keyboard.press("Home")
    page.keyboard.press("+")
    expect(page.get_by_text("steps 1 to 101")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_text("drag to zoom")).to_be_visible()


def test_the_run_list_is_walked_with_arrow_keys(entry):
    page = entry("&p.lossdiag.run=vanishing")
    page.locator(".run").first.focus()
    page.keyboard.press("ArrowDown")
    name = page.locator(".run:focus .run-name").inner_text()
    page.keyboard.press("Enter")
    page.locator(".verdict-run", has_text=name).wait_for()


def test_findings_open_and_close_from_the_keyboard(entry):
    page = entry("&p.lossdiag.run=vanishing")
    head = page.locator(".finding-head").first
    assert head.get_attribute("aria-expanded") == "true"
    head.focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-expanded") == "false"
    expect(page.locator(".finding").first.get_by_role("heading", name="Fix")).to_have_count(0)

"""Does the page say what the report says, in words and pictures that a log cannot turn into markup?"""

import written_logs
from playwright.sync_api import expect

# Distinct colours of the plot's pixels, where the row names and the axis are not.
PLOT_COLOURS = """() => {
  const canvas = document.querySelector(".heatmap canvas");
  const { data } = canvas.getContext("2d").getImageData(240, 2, canvas.width - 280, 200);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 4).join());
  return colours.size;
}"""
INKED_PIXELS = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}"""
AXIS_PIXELS = """() => {
  const canvas = document.querySelector(".heatmap canvas");
  const { data } = canvas.getContext("2d").getImageData(0, canvas.height - 18, canvas.width, 18);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}"""


def test_the_first_finding_shows_evidence_with_threshold_and_the_fix(entry):
    page = entry("&p.lossdiag.run=vanishing")
    finding = page.locator(".finding").first
    expect(finding.locator(".finding-title", has_text="Vanishing gradients")).to_be_visible()
    expect(finding.get_by_role("columnheader", name="Threshold").first).to_be_visible()
    assert finding.locator("tbody tr").count() >= 1
    expect(finding.get_by_role("heading", name="Fix")).to_be_visible()
    assert finding.locator("pre").inner_text().strip()
    assert "Critical" in finding.locator(".finding-head").inner_text()


def test_a_healthy_run_says_that_nothing_was_found(entry):
    page = entry("&p.lossdiag.run=healthy")
    expect(page.get_by_text("No cause of trouble found")).to_be_visible()
    expect(page.locator(".verdict.edge-good")).to_be_visible()
    expect(page.locator(".finding")).to_have_count(0)


def test_the_loss_curve_is_drawn_with_finding_spans_and_the_constant_guess(entry):
    page = entry("&p.lossdiag.run=vanishing")
    page.locator(".chart canvas").first.wait_for()
    assert page.locator(".chart canvas").first.evaluate(INKED_PIXELS) > 1000
    expect(page.locator(".legend", has_text="Batch loss").get_by_text("best constant guess")).to_be_visible()


def test_the_heatmap_is_drawn_with_axes_and_a_colour_bar(entry):
    page = entry("&p.lossdiag.run=vanishing&p.lossdiag.statistic=gradient_norm")
    page.locator(".heatmap canvas").wait_for()
    page.wait_for_function(f"({PLOT_COLOURS})() >= 4")
    assert page.evaluate(AXIS_PIXELS) > 50
    assert len(page.locator(".ramp span").all_inner_texts()) >= 3


def test_the_healthy_update_ratio_is_the_centre_of_its_colour_bar(entry):
    page = entry("&p.lossdiag.run=vanishing&p.lossdiag.statistic=update_ratio")
    assert "0.001" in page.locator(".ramp").inner_text()
    expect(page.get_by_text("0.001 is healthy")).to_be_visible()


def test_every_check_is_listed_with_one_of_four_states(entry):
    page = entry("&p.lossdiag.run=vanishing")
    states = page.locator(".check-state").all_inner_texts()
    assert {state.strip() for state in states} <= {"Found", "Not found", "Inconclusive", "Not run"}
    assert f"{len(states)} checks" in page.locator(".section-head", has_text="Checks").inner_text()


def test_names_from_the_log_are_text_and_never_markup(entry):
    page = entry()
    page.get_by_role("button", name="<img").click()
    page.locator(".layer-table").get_by_text(written_logs.HOSTILE_ROW, exact=True).wait_for()
    assert page.locator(".verdict-run").inner_text() == written_logs.HOSTILE_RUN
    expect(page.locator("img, .page script")).to_have_count(0)


def test_a_run_that_does_not_exist_is_named_and_the_others_still_open(entry):
    page = entry("&p.lossdiag.run=gone")
    assert "no run named gone" in page.get_by_role("alert").inner_text()
    page.get_by_text("healthy", exact=True).click()
    page.locator(".verdict-run", has_text="healthy").wait_for()


def test_an_empty_log_directory_shows_the_lines_to_add(page, empty_address):
    page.goto(f"{empty_address}data/plugin_entry.html?name=lossdiag")
    page.get_by_role("heading", name="No training in this log directory yet").wait_for()
    assert 'callbacks=[LossDiagnostics("logs/run1")]' in page.locator("pre").first.inner_text()


def test_sorting_the_layer_table_puts_the_largest_first(entry):
    page = entry("&p.lossdiag.run=vanishing&p.lossdiag.statistic=gradient_norm")
    page.locator(".layer-table").get_by_role("button", name="Gradient norm").click()
    assert page.locator(".layer-table tbody th").first.inner_text().startswith("output/")
    page.locator(".layer-table").get_by_role("button", name="Gradient norm").click()
    assert page.locator(".layer-table tbody th").first.inner_text().startswith("hidden_1/")


def test_a_layer_named_by_a_finding_leads_to_its_row(entry):
    page = entry("&p.lossdiag.run=vanishing")
    page.locator(".finding .chip", has_text="hidden").first.click()
    page.locator(".layer-table tr.selected").wait_for()
    assert "p.lossdiag.row=" in page.evaluate("location.hash")


def test_a_layer_clicked_before_the_layers_are_here_is_shown_once_they_are(entry, page):
    held = []
    page.route("**/layers?**", lambda route: held.append(route))
    entry("&p.lossdiag.run=vanishing")
    page.locator(".finding .chip", has_text="hidden").first.click()
    expect(page.locator(".layer-table")).to_have_count(0)
    for route in held:
        route.continue_()
    page.locator(".layer-table tr.selected").wait_for()


def test_the_fix_is_copied_also_without_the_clipboard_api(entry, page):
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    entry("&p.lossdiag.run=vanishing")
    code = page.locator(".finding pre").first.inner_text()
    page.get_by_role("button", name="Copy code").first.click()
    page.get_by_role("button", name="Copied").wait_for()
    page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'paste' }))")
    page.locator("#paste").focus()
    page.keyboard.press("Control+V")
    assert page.locator("#paste").input_value().strip() == code.strip()


def test_a_narrow_frame_shows_the_linked_run_in_its_short_list(entry, page):
    page.set_viewport_size({"width": 600, "height": 400})
    entry("&p.lossdiag.run=healthy")
    in_view = """button => {
      const list = button.closest("nav").getBoundingClientRect(), own = button.getBoundingClientRect();
      return own.top >= list.top - 1 && own.bottom <= list.bottom + 1;
    }"""
    assert page.locator("button.run[aria-current=true]").evaluate(in_view)

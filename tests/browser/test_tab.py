"""Does the tab work inside TensorBoard: found through its entry point, in its shell, with its address and its theme?"""

from urllib.parse import quote

import pytest
import synthetic
import written_logs
from playwright.sync_api import expect

from tb_lossdiag.recording.writer import DiagnosticsWriter

MORE_THAN_A_POLL_MS = 6000
DARK_PAGE = "rgb(38, 40, 43)"


def test_the_tab_opens_in_tensorboard_with_the_worst_run_first(tab):
    frame = tab()
    names = frame.locator(".run-name").all_inner_texts()
    assert names[0] == "vanishing"
    assert sorted(names[1:]) == sorted(["healthy", written_logs.HOSTILE_RUN])
    assert "learned nothing" in frame.locator("main h1").inner_text()
    assert frame.evaluate("window.frameElement.title") == "Diagnostics"


def test_a_link_opens_its_run_and_statistic_in_a_fresh_browser(tab):
    frame = tab("&p.lossdiag.run=healthy&p.lossdiag.statistic=update_ratio")
    assert frame.locator(".verdict-run").inner_text() == "healthy"
    assert frame.get_by_label("Statistic").input_value() == "update_ratio"


def test_choosing_a_run_is_written_into_tensorboards_address(tab, page):
    frame = tab()
    frame.get_by_role("button", name="<img").click()
    frame.locator(".verdict-run", has_text="<img").wait_for()
    assert page.evaluate("location.hash") == f"#lossdiag&p.lossdiag.run={quote(written_logs.HOSTILE_RUN, safe='()')}"


def test_the_tab_follows_tensorboards_dark_mode_while_open(tab, page):
    frame = tab()
    frame.locator(".heatmap canvas").wait_for()
    pictures = "[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL())"
    light = frame.evaluate(pictures)
    page.get_by_label("Menu for changing light or dark theme").click()
    page.get_by_role("menuitem", name="Dark").click()
    frame.wait_for_function(f"light => ({pictures}).every((picture, i) => picture !== light[i])", arg=light)
    assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == DARK_PAGE


def test_tensorboards_reload_button_asks_again(tab, page):
    tab()
    with page.expect_request("**/data/plugin/lossdiag/report?**"):
        page.locator("app-header-reload button").click()


def test_the_tab_asks_nothing_while_another_is_in_front_and_goes_on_once_it_is_back(tab, page):
    tab()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "/plugin/lossdiag/" in request.url else None)
    page.evaluate("location.hash = '#timeseries'")
    page.locator("iframe").wait_for(state="hidden")
    page.wait_for_timeout(1000)  # what was under way ends
    asked.clear()
    page.wait_for_timeout(MORE_THAN_A_POLL_MS)
    assert asked == []
    with page.expect_request("**/data/plugin/lossdiag/runs?*"):
        page.evaluate("location.hash = '#lossdiag'")


def test_a_growing_run_grows_on_the_page_and_the_reader_keeps_his_place(tab, page, log_dir):
    run = synthetic.stuck(name="growing")
    card = written_logs.full_card(run)
    with DiagnosticsWriter(log_dir / "growing", card=card) as writer:
        written_logs.write_steps(writer, run, 1, 200)
        writer.flush()
        frame = tab("&p.lossdiag.run=growing")
        frame.locator(".verdict-facts", has_text="step 200").wait_for()
        frame.locator(".layer-table").get_by_role("button", name="output/kernel").click()
        frame.locator(".layer-detail .chart").first.wait_for()
        frame.get_by_role("slider", name="Loss over steps").focus()
        page.keyboard.press("Home")
        page.keyboard.press("+")
        zoomed = frame.locator(".section-head", has_text="Curves").locator(".muted").first.inner_text()
        frame.locator("#checks").scroll_into_view_if_needed()
        place = frame.evaluate("document.querySelector('.content').scrollTop")
        written_logs.write_steps(writer, run, 201, 400)
    frame.locator(".verdict-facts", has_text="step 400").wait_for()
    assert place > 0
    assert zoomed == "steps 1 to 51"
    expect(frame.get_by_text(zoomed, exact=True)).to_be_visible()
    assert frame.locator(".layer-detail h3").first.inner_text() == "output"
    assert "newest step 400, " in frame.locator(".freshness").inner_text()
    assert frame.evaluate("document.querySelector('.content').scrollTop") == pytest.approx(place, abs=60)


def test_the_tab_works_behind_a_path_prefix(tab, prefixed_address):
    assert "/some/prefix/" in prefixed_address
    frame = tab("&p.lossdiag.run=vanishing", url=prefixed_address)
    frame.locator(".heatmap canvas").wait_for()
    assert frame.locator(".verdict-run").inner_text() == "vanishing"

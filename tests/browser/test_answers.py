"""Does the tab answer: verdict, findings to mute and follow, order of events, setup, and what to share?"""

import csv
import json

import pytest
import synthetic
import written_logs
from playwright.sync_api import expect

from tb_lossdiag.cli import diagnose
from tb_lossdiag.diagnosis.markdown import to_markdown


@pytest.fixture
def vanishing(log_dir):
    return diagnose(log_dir)["vanishing"]


def test_the_verdict_names_the_first_cause_how_much_speaks_for_it_and_what_to_do(entry, vanishing):
    page = entry("&p.lossdiag.run=vanishing&p.lossdiag.open=")
    cause = vanishing.first
    told = page.locator(".verdict-answer").inner_text()
    assert f"{len(cause.evidence_for)} facts for, none against" in told
    assert vanishing.verdict.action == cause.fix.text and cause.fix.text in told
    page.locator(".verdict").get_by_role("button", name=cause.title).click()
    page.locator(".finding-head:focus[aria-expanded=true]", has_text=cause.title).wait_for()


def test_a_muted_finding_stays_muted_in_this_browser_and_in_the_link(entry, page, vanishing):
    entry("&p.lossdiag.run=vanishing")
    title = vanishing.first.title
    page.get_by_role("button", name=f"Mute {title}").click()
    page.locator(".finding-head", has_text=title).wait_for(state="detached")
    assert "muted" in page.locator(".verdict-answer").inner_text()
    page.wait_for_function(f"location.hash.includes('p.lossdiag.mute={vanishing.first.id}')")
    entry("&p.lossdiag.run=vanishing")
    page.locator("summary", has_text="1 finding muted").click()
    page.get_by_role("button", name=f"Show again {title}").click()
    page.locator(".finding-head", has_text=title).wait_for()


def test_a_link_restores_zoom_open_and_muted_findings_in_a_fresh_browser(entry, vanishing):
    first, second = [cause for cause in vanishing.causes if cause.confidence != "ruled_out"][:2]
    page = entry(
        f"&p.lossdiag.run=vanishing&p.lossdiag.steps=20-80&p.lossdiag.open={second.id}&p.lossdiag.mute={first.id}"
    )
    expect(page.locator(".finding-head[aria-expanded=true] .finding-title")).to_have_text(
        [second.title], use_inner_text=True
    )
    expect(page.locator("summary", has_text="1 finding muted")).to_be_visible()
    expect(page.get_by_text("steps 20 to 80")).to_be_visible()


def test_a_finding_under_the_pointer_or_in_focus_lights_its_steps_and_leads_to_them(entry):
    page = entry("&p.lossdiag.run=vanishing")
    page.locator(".heatmap canvas").wait_for()
    head = page.locator(".finding-head").first
    head.hover()
    page.locator(".heatmap .lit").wait_for()
    page.mouse.move(5, 5)
    page.locator(".heatmap .lit").wait_for(state="detached")
    head.focus()
    page.locator(".heatmap .lit").wait_for()
    page.locator(".finding .look-at .chip", has_text="steps").first.click()
    top = "document.getElementById('curves').getBoundingClientRect().top"
    page.wait_for_function(f"{top} > 0 && {top} < 300")


def test_the_order_of_events_is_the_reports(entry, vanishing):
    page = entry("&p.lossdiag.run=vanishing")
    rows = page.locator(".timeline tbody tr")
    expect(rows.locator("th")).to_have_text([signal.title for signal in vanishing.timeline], use_inner_text=True)
    assert rows.locator(".track-dot").count() == len(vanishing.timeline) > 2
    page.locator(".timeline").get_by_role("button", name=vanishing.first.title).first.click()
    page.locator(".finding-head:focus", has_text=vanishing.first.title).wait_for()


def test_the_setup_shows_settings_data_labels_and_records(entry):
    page = entry("&p.lossdiag.run=healthy")
    sheet = page.locator(".setup")
    sheet.get_by_text("Learning rate", exact=True).wait_for()
    expect(sheet.locator(".labels tbody tr")).to_have_count(synthetic.CLASSES)
    assert "10 %" in sheet.locator(".labels").inner_text()
    records = sheet.locator("tr", has_text="Layer statistics").inner_text()
    assert "39" in records and "20 steps" in records


def test_what_was_not_checked_says_what_it_would_need(entry, log_dir):
    page = entry("&p.lossdiag.run=healthy")
    report = diagnose(log_dir)["healthy"]
    needed = {check.needs for check in report.checks if check.state in ("not_run", "inconclusive")}
    shown = page.get_by_role("table").filter(has=page.locator(".check-needs")).locator(".check-needs")
    assert {text.strip() for text in shown.all_inner_texts()} == needed


def test_the_parts_of_the_page_are_reached_by_keyboard(entry):
    page = entry("&p.lossdiag.run=vanishing")
    page.get_by_role("button", name="Data and setup").focus()
    page.keyboard.press("Enter")
    page.locator("#setup:focus").wait_for()


def test_the_report_is_shared_as_link_markdown_json_and_csv(entry, page, log_dir, copied_report):
    entry("&p.lossdiag.run=" + "vanishing")
    report = diagnose(log_dir)["vanishing"]
    assert copied_report() == to_markdown(report)
    page.locator("summary", has_text="Share").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download JSON").click()
    assert json.loads(download.value.path().read_text()) == report.to_dict()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download checks as CSV").click()
    with open(download.value.path(), newline="") as file:
        assert {row["check"] for row in csv.DictReader(file)} == {check.title for check in report.checks}


def test_the_share_menu_closes_on_escape(entry):
    page = entry("&p.lossdiag.run=vanishing")
    page.locator("summary", has_text="Share").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copy link to this view").focus()
    page.keyboard.press("Escape")
    page.locator("details.menu:not([open]) summary:focus").wait_for()


def test_runs_are_set_side_by_side_from_the_list_and_by_link(entry, page, violations):
    entry("&p.lossdiag.run=healthy")
    page.get_by_role("button", name="Compare").click()
    page.get_by_label("Compare vanishing with the baseline").check()
    page.get_by_role("heading", name="2 runs compared").wait_for()
    verdicts = page.get_by_label("Verdicts and findings")
    assert "appeared" in verdicts.locator("tr", has_text="Vanishing gradients").inner_text()
    settings = page.get_by_label("Settings that differ")
    expect(settings.locator("tr", has_text="Name").locator("td")).to_have_text(["Adam", "SGD"], use_inner_text=True)
    loss = page.locator(".chart").first
    expect(loss.locator(".legend li > span")).to_have_text(["healthy", "vanishing"], use_inner_text=True)
    page.locator(".heatmap canvas").wait_for()
    assert "decades" in page.locator("#compare-layers").locator("xpath=ancestor::section").inner_text()
    assert violations() == []
    page.wait_for_function("location.hash.includes('p.lossdiag.with=vanishing')")
    page.reload()
    page.get_by_role("heading", name="2 runs compared").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").first.click()
    assert "Vanishing gradients" in download.value.path().read_text()
    page.get_by_role("button", name="Back to one run").click()
    page.locator(".verdict-run", has_text="healthy").wait_for()


def test_names_in_a_comparison_are_text_and_never_markup(entry):
    page = entry("&p.lossdiag.run=healthy")
    page.get_by_role("button", name="Compare").click()
    page.locator(".run-pick", has_text="<img").locator("input").check()
    page.locator(".compare thead", has_text=written_logs.HOSTILE_RUN).first.wait_for()
    page.locator(".heatmap canvas").wait_for()
    expect(page.locator("img, .page script")).to_have_count(0)

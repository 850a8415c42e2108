"""What does the tab say when there is little to say: many runs, a part of a log, a newer one, none, no answer?"""

import numpy as np
import pytest
import synthetic
import written_logs
from event_files import scalars, step_record, tensor, write
from playwright.sync_api import expect

from tb_lossdiag import schema
from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import ModelCard

MANY = 50


@pytest.fixture(scope="module")
def states_address(tmp_path_factory, serve):
    """Fifty short runs, a scalar log, one of a newer format, one with a broken tag, and one that never learned."""
    logs = tmp_path_factory.mktemp("states")
    for number in range(MANY - 4):
        with DiagnosticsWriter(logs / f"sweep/{number:02}", ModelCard()) as writer:
            for step in range(1, 4):
                writer.write_step(step, loss=1 / step)
    write(logs / "curves_only" / "train", scalars("epoch_loss", np.linspace(2, 1, 20)))
    write(logs / "newer" / "diagnostics", [tensor(schema.STEPS, 1, step_record(1, loss=1), content=b"99")])
    written_logs.write(logs / "partly", synthetic.healthy())
    broken = [tensor(schema.EVENTS, step, "no JSON", wall=2e9) for step in range(1, 4)]
    write(logs / "partly" / "diagnostics", broken, "events.out.tfevents.2.host")
    written_logs.write(logs / "vanishing", written_logs.vanishing())
    with serve(logs) as address:
        yield address


@pytest.fixture
def state(entry, states_address):
    return lambda rest="": entry(rest, states_address)


def test_fifty_runs_are_listed_worst_first_and_found_by_name_state_or_cause(state, in_both_themes):
    page = state("&p.lossdiag.run=sweep/45")
    expect(page.locator("button.run")).to_have_count(MANY)
    page.locator("nav.runs header", has_text="worst first").wait_for()  # all verdicts are there
    assert page.locator(".run-name").first.inner_text() == "vanishing"
    current = page.locator("button.run[aria-current=true]")
    assert current.locator(".run-name").inner_text() == "sweep/45"
    box, frame = current.bounding_box(), page.viewport_size
    assert box["y"] >= 0 and box["y"] + box["height"] <= frame["height"]
    page.get_by_label("Search runs").fill("vanishing gradients")
    expect(page.locator(".run-name")).to_have_text(["vanishing"], use_inner_text=True)
    assert in_both_themes() == []


def test_a_scalar_log_says_that_it_has_curves_only_and_which_lines_to_add(state, in_both_themes):
    page = state("&p.lossdiag.run=curves_only")
    assert page.locator(".partly").inner_text().startswith("Loss curves only.")
    page.locator("#layers").locator("xpath=ancestor::section").get_by_text("LossDiagnostics").first.wait_for()
    assert in_both_themes() == []


def test_a_newer_format_says_what_to_do_and_accuses_nothing(state, in_both_themes):
    page = state("&p.lossdiag.run=newer")
    assert "pip install -U" in page.locator("main h1").inner_text()
    page.get_by_role("heading", name="Nothing else is known of this run").wait_for()
    expect(page.locator(".finding, .checks")).to_have_count(0)
    assert in_both_themes() == []


def test_a_log_of_which_a_part_is_broken_says_so_beside_the_verdict_and_lists_it(state, in_both_themes):
    page = state("&p.lossdiag.run=partly")
    assert "1 part of the log could not be used." in page.locator(".partly").inner_text()
    assert "3 of 3 records skipped" in page.locator("#notes").locator("xpath=ancestor::section").inner_text()
    assert in_both_themes() == []


def test_when_tensorboard_is_gone_the_page_keeps_what_it_had_and_says_that_it_is_old(state, page, in_both_themes):
    state("&p.lossdiag.run=vanishing")
    page.route("**/data/plugin/lossdiag/runs?*", lambda route: route.fulfill(status=200, body="<html>a proxy's page"))
    page.locator(".stale").wait_for(timeout=15_000)
    assert "learned nothing" in page.locator("main h1").inner_text()
    assert in_both_themes() == []
    page.unroute("**/data/plugin/lossdiag/runs?*")
    page.locator(".stale").wait_for(state="detached", timeout=15_000)


def test_an_empty_log_directory_and_a_missing_run_read_well_in_both_themes(page, empty_address, state, in_both_themes):
    page.goto(f"{empty_address}data/plugin_entry.html?name=lossdiag")
    page.get_by_role("heading", name="No training in this log directory yet").wait_for()
    expect(page.locator("pre")).to_have_count(3)
    assert in_both_themes() == []
    state("&p.lossdiag.run=gone")
    assert in_both_themes() == []


def test_a_comparison_with_a_run_that_is_gone_names_it(state):
    page = state("&p.lossdiag.run=vanishing&p.lossdiag.with=gone")
    assert "no run named gone" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("size", [(700, 600), (3840, 2160)])
def test_nothing_is_wider_than_a_notebooks_frame_or_lost_on_a_large_screen(state, page, violations, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for rest in ("&p.lossdiag.run=vanishing", "&p.lossdiag.run=vanishing&p.lossdiag.with=partly"):
        state(rest)
        page.locator(".heatmap canvas").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert violations() == []

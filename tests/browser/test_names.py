"""What do names of any length and script do to the page? They are cut or broken, and nothing gets wider than it."""

from dataclasses import replace

import any_run
import pytest
import synthetic
import written_logs

from tb_lossdiag.recording.writer import DiagnosticsWriter
from tb_lossdiag.run import Row

NAMES = {
    "without a break": "W" * 300,
    "with breaks": "encoder/block-7_" * 18,
    "from right to left": "שלום_עולם" * 33,
    "of emoji": "👩‍👩‍👧‍👦" * 27,
}
# Elements that end to the right of the window and lie in nothing that scrolls sideways.
TOO_WIDE = """() => [...document.querySelectorAll("main *, nav.runs *")].filter(element =>
  element.getBoundingClientRect().right > innerWidth + 1 && element.getBoundingClientRect().width > 1 &&
  !element.closest(".sideways, .scroller, .section-nav, .code, .menu, details:not([open]), details.menu > *")
).map(element => element.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="session")
def named_address(tmp_path_factory, serve):
    """Runs whose own, layers', loss terms' and metrics' names have 300 characters."""
    log_dir = tmp_path_factory.mktemp("names")
    for index, name in enumerate(NAMES.values()):
        run = any_run.renamed(written_logs.vanishing(), lambda old, name=name: old.replace("hidden", name[:280]))
        terms = (Row(f"loss:{name}", "loss"), Row("loss:kl", "loss"))
        card = replace(written_logs.full_card(run), metrics=(name,))
        card = replace(card, data_rows=(*card.data_rows, *terms))
        folder = name.encode()[:200].decode(errors="ignore").replace("/", "-")  # a file system takes 255 bytes
        with DiagnosticsWriter(log_dir / f"{index} {folder}", card) as writer:
            written_logs.write_steps(writer, replace(run, data=synthetic.with_rows(run.data, terms)), 1, 400)
            writer.write_epoch(400, 0, {"loss": 1.0, name: 0.5})
    with serve(log_dir) as url:
        yield url


@pytest.mark.parametrize("width", [1400, 520])
@pytest.mark.parametrize("index", range(len(NAMES)), ids=NAMES)
def test_no_name_makes_the_page_wider_than_its_window(page, entry, named_address, index, width):
    page.set_viewport_size({"width": width, "height": 1000})
    entry(url=named_address)
    page.locator("nav.runs button.run").nth(index).click()
    page.locator(".verdict-run", has_text=f"{index} ").wait_for()
    page.locator("#checks").wait_for()
    page.locator(".layer-table tbody tr").first.wait_for()
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_long_name_is_cut_where_there_are_many_and_whole_for_whoever_asks(page, entry, named_address):
    entry(url=named_address)
    name = page.locator("nav.runs .run-name bdi").first
    whole = name.get_attribute("title")
    assert len(whole) > 200
    assert whole in name.text_content()
    assert "…" in name.locator("[aria-hidden]").inner_text()
    assert page.locator(".verdict-run").inner_text() == whole


def test_all_rows_of_the_layer_table_are_of_one_height(page, entry, named_address):
    entry(url=named_address)
    page.locator(".layer-table tbody tr").first.wait_for()
    heights = page.eval_on_selector_all(".layer-table tbody tr", "rows => rows.map(row => row.offsetHeight)")
    assert len(set(heights)) == 1

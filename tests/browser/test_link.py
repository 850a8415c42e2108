"""Does a link open the very view it was copied from, in a browser that has never seen the page?"""

import shutil

import pytest
import synthetic
import written_logs
from playwright.sync_api import expect

STAGE_1 = "stage_1, 20 rows"
NAMED_LINES = "[...document.querySelectorAll('.module-toggle')].map(line => `${line.ariaLabel} ${line.ariaExpanded}`)"


@pytest.fixture(scope="module")
def runs_address(tmp_path_factory, serve, nested):
    log_dir = tmp_path_factory.mktemp("link")
    shutil.copytree(nested, log_dir / "nested")
    written_logs.write(log_dir / "healthy", synthetic.healthy())
    written_logs.write(log_dir / "vanishing", written_logs.vanishing())
    written_logs.write(log_dir / "steady", synthetic.healthy())
    with serve(log_dir) as url:
        yield url


@pytest.fixture
def layers(entry, runs_address):
    def opened(rest: str = ""):
        page = entry(f"&p.lossdiag.run=nested&p.lossdiag.statistic=gradient_norm{rest}", runs_address)
        page.locator(".heatmap canvas").wait_for()
        return page

    return opened


@pytest.fixture
def cold(chromium):
    """Opens an address in a browser profile of its own, as a colleague does."""
    contexts = []

    def opened(address: str):
        contexts.append(chromium.new_context(viewport={"width": 1400, "height": 1000}))
        page = contexts[-1].new_page()
        page.goto(address)
        page.locator(".heatmap canvas").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()


def link_of(page, *keys: str) -> str:
    """The address, once it says all of these."""
    for key in keys:
        page.wait_for_function("key => location.hash.includes(`p.lossdiag.${key}=`)", arg=key)
    return page.url


def heatmap_of(page) -> tuple[list[str], str]:
    """Its modules with what is open of them, and its picture."""
    page.wait_for_function("document.querySelector('.heatmap canvas').width > 1000")
    return page.evaluate(NAMED_LINES), page.locator(".heatmap canvas").evaluate("canvas => canvas.toDataURL()")


def test_modules_and_zoomed_rows_come_back(layers, cold):
    page = layers()
    page.get_by_role("button", name=STAGE_1).click()
    page.get_by_role("application").focus()
    page.keyboard.press("]")
    page.keyboard.press("ArrowUp")
    page.locator(".window-bar").wait_for()
    page.locator("h1").click()
    there = cold(link_of(page, "expanded", "lines"))
    there.locator(".window-bar").wait_for()
    assert heatmap_of(there) == heatmap_of(page)


@pytest.mark.parametrize(("button", "key", "lines"), [("Collapse all", "expanded", 3), ("Expand all", "collapsed", 75)])
def test_all_modules_closed_or_open_is_a_short_link(layers, cold, button, key, lines):
    page = layers()
    page.get_by_role("button", name=button).click()
    address = link_of(page, key)
    assert address.endswith(f"&p.lossdiag.{key}=")
    there = cold(address)
    label = there.get_by_role("application").get_attribute("aria-label")
    assert f" {lines} rows by " in label


def test_a_search_comes_back(layers, cold):
    page = layers()
    page.get_by_label("Search layers").fill("block_2/dense_3")
    there = cold(link_of(page, "search"))
    assert there.get_by_label("Search layers").input_value() == "block_2/dense_3"
    expect(there.locator(".layer-table tbody tr")).to_have_count(3)


def test_a_module_that_was_closed_around_the_opened_row_stays_closed(layers, cold):
    page = layers("&p.lossdiag.row=stage_1/block_2/dense_3/kernel")
    page.get_by_role("button", name=STAGE_1).click()
    page.wait_for_function("location.hash.endsWith('.expanded=stage_0%2Cstage_1%252Fblock_2%2Cstage_2')")
    there = cold(page.url)
    there.locator(".layer-detail h3").first.wait_for()
    assert there.get_by_role("button", name=STAGE_1).get_attribute("aria-expanded") == "false"


def test_a_view_as_it_opens_has_nothing_of_modules_and_rows_in_its_link(layers):
    page = layers()
    stage = page.get_by_role("button", name=STAGE_1)
    stage.click()
    link_of(page, "expanded")
    stage.click()
    page.wait_for_function("!location.hash.includes('expanded')")
    assert page.url.endswith("#lossdiag&p.lossdiag.run=nested&p.lossdiag.statistic=gradient_norm")


def test_modules_and_rows_that_are_not_there_are_ignored(layers):
    page = layers("&p.lossdiag.collapsed=gone,__proto__&p.lossdiag.lines=3-99999&p.lossdiag.search=")
    assert " 75 rows by " in page.get_by_role("application").get_attribute("aria-label")
    page.wait_for_function("!location.hash.includes('lines')")
    expect(page.get_by_role("button", name="All rows")).to_have_count(0)


def test_the_run_of_a_layer_difference_comes_back(entry, cold, runs_address):
    page = entry("&p.lossdiag.run=healthy&p.lossdiag.with=steady,vanishing", runs_address)
    page.locator(".heatmap canvas").wait_for()
    page.get_by_label("Run", exact=True).select_option("vanishing")
    page.get_by_text("Above zero: larger in vanishing").wait_for()
    there = cold(link_of(page, "difference"))
    there.get_by_text("Above zero: larger in vanishing").wait_for()
    assert there.get_by_label("Run", exact=True).input_value() == "vanishing"


def test_a_difference_with_a_run_that_is_not_compared_is_ignored(entry, runs_address):
    page = entry("&p.lossdiag.run=healthy&p.lossdiag.with=steady&p.lossdiag.difference=nested", runs_address)
    page.get_by_text("Above zero: larger in steady").wait_for()
    page.wait_for_function("!location.hash.includes('difference')")


def choose(page, chart: str, button: str) -> None:
    page.get_by_label(f"{chart}: more").click()
    page.get_by_role("button", name=button).locator("visible=true").click()


def is_log(page, chart: str) -> bool:
    head = page.locator(".legend-head", has=page.get_by_role("heading", name=chart, exact=True))
    return head.get_by_role("button", name="log").get_attribute("aria-pressed") == "true"


def flip_log(page, chart: str) -> None:
    head = page.locator(".legend-head", has=page.get_by_role("heading", name=chart, exact=True))
    head.get_by_role("button", name="log").click()


def test_charts_as_tables_and_the_scales_of_their_axes_come_back(entry, cold, runs_address):
    page = entry("&p.lossdiag.run=healthy&p.lossdiag.with=steady", runs_address)
    page.get_by_role("heading", name="Learning rate").wait_for()
    assert (is_log(page, "Loss"), is_log(page, "Learning rate")) == (False, True)
    choose(page, "Loss", "Show as table")
    flip_log(page, "Loss")
    flip_log(page, "Learning rate")
    there = cold(link_of(page, "tables", "logs", "linears"))
    there.get_by_label("Loss as a table").wait_for()
    assert (is_log(there, "Loss"), is_log(there, "Learning rate")) == (True, False)


def test_charts_of_a_comparison_and_of_a_layer_are_told_from_those_of_the_run(entry, cold, runs_address):
    page = entry("&p.lossdiag.run=healthy&p.lossdiag.with=steady&p.lossdiag.tables=compare.loss", runs_address)
    page.get_by_label("Loss as a table").wait_for()
    there = cold(page.url.replace("&p.lossdiag.with=steady", "&p.lossdiag.tables=layer.gradient_norm"))
    expect(there.get_by_label("Loss as a table")).to_have_count(0)


def test_the_order_of_the_layer_table_comes_back(layers, cold):
    page = layers()
    column = page.get_by_role("columnheader", name="Parameters")
    assert column.get_attribute("aria-sort") == "none"
    column.get_by_role("button").click()
    there = cold(link_of(page, "order"))
    assert there.get_by_role("columnheader", name="Parameters").get_attribute("aria-sort") == "descending"


def test_a_search_among_the_runs_comes_back_and_can_be_cleared_in_a_short_list(entry, runs_address):
    page = entry("&p.lossdiag.run=nested&p.lossdiag.runs=vanish", runs_address)
    expect(page.locator(".run-name")).to_have_text(["vanishing"], use_inner_text=True)
    page.get_by_label("Search runs").fill("")
    expect(page.locator(".run-name")).to_have_count(4)


def test_a_link_pasted_into_an_open_tab_is_the_whole_view_even_when_it_is_reloaded_at_once(layers):
    page = layers("&p.lossdiag.steps=200-4000&p.lossdiag.search=dense_3&p.lossdiag.tables=loss")
    pasted = "#lossdiag&p.lossdiag.run=nested&p.lossdiag.log_steps=yes&p.lossdiag.order=-parameters"
    # The address of that very moment: what a reload would open.
    page.evaluate(
        "hash => new Promise(done => { addEventListener('hashchange', done); location.hash = hash; })", pasted
    )
    assert page.evaluate("location.hash").split("&p.lossdiag.")[1:] == [
        "run=nested",
        "order=-parameters",
        "log_steps=yes",
    ]
    page.wait_for_function("document.querySelector('input[aria-label=\"Search layers\"]').value === ''")
    expect(page.get_by_label("Loss as a table")).to_have_count(0)


def test_an_address_that_names_no_run_moves_only_what_it_says(layers):
    page = layers("&p.lossdiag.search=dense_3")
    page.evaluate("location.hash = 'lossdiag&p.lossdiag.steps=200-4000'")
    assert link_of(page, "steps", "search", "run").endswith("&p.lossdiag.steps=200-4000")

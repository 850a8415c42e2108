"""What stands on the page when a part of it cannot be drawn? The rest, and a word in the place of that part."""

import time

import pytest
from playwright.sync_api import expect

from tb_lossdiag.recording.writer import DiagnosticsWriter

# Two faults that a browser can be made to have at any time: a canvas without a context, a date that cannot be written.
BREAK = {
    "The curves": "HTMLCanvasElement.prototype.getContext = () => { throw new Error('no canvas today') }",
    "The verdict": "Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', "
    "{ configurable: true, get() { throw new Error('no dates today') } })",
}
MEND = {
    "The curves": "() => { HTMLCanvasElement.prototype.getContext = window.whole }",
    "The verdict": "() => { Object.defineProperty(Intl.DateTimeFormat.prototype, 'format', window.whole) }",
}


@pytest.fixture
def broken(page, address):
    """A function: opens the run with a part of the page broken, so that it throws whenever it is drawn."""

    def open_broken(view: str, rest: str):
        kept = {
            "The curves": "window.whole = HTMLCanvasElement.prototype.getContext",
            "The verdict": "window.whole = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, 'format')",
        }
        page.add_init_script(f"{kept[view]}; {BREAK[view]}")
        page.goto(f"{address}data/plugin_entry.html?name=lossdiag#lossdiag{rest}")
        return page

    return open_broken


@pytest.mark.parametrize("view", BREAK)
def test_a_view_that_cannot_be_drawn_says_so_in_its_place_and_the_next_run_is_whole(broken, view):
    page = broken(view, "&p.lossdiag.run=vanishing")
    said = page.locator(".undrawn", has_text=f"{view} could not be drawn")
    said.wait_for()
    assert "today" in said.inner_text()
    expect(page.locator("#findings")).to_have_count(1)
    expect(page.locator("#checks")).to_have_count(1)
    expect(page.locator("nav.runs button.run")).to_have_count(3)
    page.evaluate(MEND[view])
    page.get_by_role("button", name="healthy 400").click()
    page.locator(".verdict-run", has_text="healthy").wait_for()
    page.locator("section[aria-labelledby=curves] canvas").first.wait_for()
    expect(page.locator(".undrawn")).to_have_count(0)


@pytest.mark.parametrize("wall", [1.79e12, 1.79e18, 1e300])
def test_a_time_that_is_none_hides_nothing(page, entry, serve, tmp_path, monkeypatch, wall):
    for name, odd in (("good", None), ("odd", wall)):
        # Event files are named after the time, so it may not be odd yet when they are.
        with monkeypatch.context() as patch, DiagnosticsWriter(tmp_path / name) as writer:
            if odd is not None:
                patch.setattr(time, "time", lambda odd=odd: odd)
            for step in range(1, 60):
                writer.write_step(step, loss=2.0 / step, learning_rate=0.1)
    with serve(tmp_path) as url:
        entry("&p.lossdiag.run=odd", url)
        page.locator(".verdict-run", has_text="odd").wait_for()
        assert page.locator(".verdict-facts").inner_text() == "odd\nnewest step 59"
        expect(page.locator(".undrawn")).to_have_count(0)
        page.locator("button.run", has_text="good").click()
        page.locator(".verdict-run", has_text="good").wait_for()
        assert " ago" in page.locator(".verdict-facts").inner_text()
        page.goto("about:blank")  # what it still asks for must not meet a server that is gone

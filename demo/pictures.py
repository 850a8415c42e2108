"""What does the tab look like? Every view and state, light and dark, wide and narrow, of what the demo has recorded.

.venv/bin/python demo/pictures.py             the README's pictures, into demo/pictures
.venv/bin/python demo/pictures.py --all DIR   every view and state, into DIR; --only WORD: those with WORD in their name
(needs the logs of `python3 demo --no-serve`, the packages of `python3 tests` and Chromium)
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import serve
import states
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
RUN = "deep_sigmoid"
THEMES = ("light", "dark")
WIDE, NARROW = {"width": 1400, "height": 1000}, {"width": 700, "height": 600}
BAR = 64  # CSS pixels of TensorBoard's own head
SETTLE_MS = 1200  # charts draw after their data came; no event tells when the last one has


def nothing(page: Page) -> None:
    """The view as it opens."""


@dataclass(frozen=True)
class View:
    """A place in the tab. logs: "demo", "states" or "empty". rest: of the hash. act: what the reader does there.

    whole: shows the page in its full height. before: what is to be set up before the page is opened.
    """

    name: str
    rest: str = ""
    logs: str = "demo"
    act: Callable[[Page], None] = nothing
    whole: bool = False
    before: Callable[[Page], None] = nothing


def section(id: str) -> Callable[[Page], None]:
    return lambda page: page.evaluate(f"document.getElementById('{id}').scrollIntoView()")


def click(selector: str) -> Callable[[Page], None]:
    return lambda page: page.locator(selector).first.click()


def gone(page: Page) -> None:
    """TensorBoard stops answering once the page has been read."""
    page.route("**/data/plugin/lossdiag/**", lambda route: route.abort())
    page.locator(".stale").wait_for()


def never(page: Page) -> None:
    """TensorBoard does not answer at all."""
    page.route("**/data/plugin/lossdiag/runs", lambda route: route.abort())


def slowly(page: Page) -> None:
    page.route("**/data/plugin/lossdiag/runs", lambda route: None)


ONE = f"&p.lossdiag.run={RUN}"
VIEWS = (
    View("page", ONE, whole=True),
    View("page-healthy", "&p.lossdiag.run=healthy", whole=True),
    View("verdict", ONE),
    View("share", ONE, act=click("summary:has-text('Share')")),
    View("muted", f"{ONE}&p.lossdiag.mute=vanishing_gradients", act=click("summary:has-text('muted')")),
    View("finding-lit", ONE, act=lambda page: page.locator(".finding").first.hover()),
    View("timeline", "&p.lossdiag.run=learning_rate_too_high", act=section("timeline")),
    View("curves", ONE, act=section("curves")),
    View("curves-nonfinite", "&p.lossdiag.run=exploding_recurrent", act=section("curves")),
    View("curves-zoomed", f"{ONE}&p.lossdiag.steps=1-60", act=section("curves")),
    View("layers", ONE, act=section("layers")),
    View("layers-ratio", f"{ONE}&p.lossdiag.statistic=update_ratio", act=section("layers")),
    View("layer-opened", f"{ONE}&p.lossdiag.row=sigmoid_1/kernel", act=section("layers")),
    View("setup", ONE, act=section("setup")),
    View("not-checked", ONE, act=section("not-checked")),
    View("compare", "&p.lossdiag.run=healthy&p.lossdiag.with=learning_rate_too_high,overfitting", whole=True),
    View("compare-choosing", ONE, act=click("button:has-text('Compare')")),
    View("many-runs", "&p.lossdiag.run=sweep/rate_20", "states"),
    View("hostile-name", "", "states", act=click("button.run:has-text('<img')")),
    View("curves-only", "&p.lossdiag.run=curves_only", "states", whole=True),
    View("newer-version", "&p.lossdiag.run=of_a_newer_version", "states"),
    View("just-begun", "&p.lossdiag.run=just_begun", "states", whole=True),
    View("run-missing", "&p.lossdiag.run=no_such_run", "states"),
    View("no-runs", "", "empty"),
    View("backend-gone", ONE, act=gone),
    View("no-answer", ONE, before=never),
    View("reading", ONE, before=slowly),
)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--all", type=Path, metavar="DIR", help="where every view and state goes")
    ask.add_argument("--only", default="", metavar="WORD", help="of these, those with WORD in their name")
    options = ask.parse_args()
    with chromium() as browser:
        if options.all is None:
            readme_pictures(browser, HERE / "pictures")
        else:
            all_pictures(browser, options.all, options.only)


@contextmanager
def chromium() -> Iterator[Browser]:
    path = os.environ.get("TB_LOSSDIAG_BROWSER") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def readme_pictures(browser: Browser, directory: Path) -> None:
    """The tab in TensorBoard, from its head to the first rows of the heatmap."""
    directory.mkdir(exist_ok=True)
    with serve.running(HERE / "logs") as (address, _):
        for theme in THEMES:
            page = browser.new_page(viewport=WIDE, device_scale_factor=1)
            page.goto(f"{address}?darkMode={str(theme == 'dark').lower()}#lossdiag{ONE}")
            frame = page.locator("iframe").element_handle().content_frame()
            frame.wait_for_selector("main h1")
            frame.wait_for_selector("canvas")
            height = frame.evaluate("document.querySelector('main').scrollHeight") + BAR
            page.set_viewport_size({**WIDE, "height": height})
            page.wait_for_timeout(SETTLE_MS)
            end = frame.evaluate("document.querySelector('.heatmap').getBoundingClientRect().bottom")
            clip = {"x": 0, "y": 0, "width": WIDE["width"], "height": end + BAR}
            page.screenshot(path=directory / f"{RUN}-{theme}.png", clip=clip)


def all_pictures(browser: Browser, directory: Path, word: str) -> None:
    """DIR/VIEW-SIZE-THEME.png of each view whose name holds the word."""
    directory.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        made = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        states.write(made / "states")
        (made / "empty").mkdir()
        logs = {"demo": HERE / "logs", "states": made / "states", "empty": made / "empty"}
        addresses = {name: stack.enter_context(serve.running(path))[0] for name, path in logs.items()}
        for address in addresses.values():  # the first question takes as long as reading and judging every run
            urlopen(f"{address}data/plugin/lossdiag/runs").close()
        for view in (view for view in VIEWS if word in view.name):
            for size, viewport in (("wide", WIDE), ("narrow", NARROW)):
                for theme in THEMES:
                    page = browser.new_page(viewport=viewport, color_scheme=theme, reduced_motion="reduce")
                    take(page, view, addresses[view.logs], directory / f"{view.name}-{size}-{theme}.png")
                    page.close()
            print(view.name, flush=True)


def take(page: Page, view: View, address: str, path: Path) -> None:
    view.before(page)
    page.goto(f"{address}data/plugin_entry.html?name=lossdiag#lossdiag{view.rest}")
    page.locator("h1, .reading").first.wait_for()
    page.wait_for_timeout(SETTLE_MS)
    view.act(page)
    if view.whole:
        height = page.evaluate("Math.max(document.body.scrollHeight, document.querySelector('main').scrollHeight)")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    page.wait_for_timeout(SETTLE_MS // 2)
    page.screenshot(path=path)


if __name__ == "__main__":
    main()

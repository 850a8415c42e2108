"""How does a test open the tab? In a real TensorBoard and in Chromium; any console error fails the test."""

import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import synthetic
import written_logs

NO_BROWSER = (
    "no Chromium found: install it (Debian/Ubuntu, as root: apt-get install chromium) or set TB_LOSSDIAG_BROWSER"
)

# Files that TensorBoard's own pages ask for in vain.
TENSORBOARD_LACKS = ("/favicon.ico", "/font-roboto/")

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = "async () => (await axe.run()).violations.map(v => `${v.id}: ${v.nodes.map(n => n.target).join(' | ')}`)"

# Reports every violation of TensorBoard's content security policy as a console error.
WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", event =>
    console.error(`policy violation: ${event.violatedDirective} ${event.blockedURI}`));
"""


@contextmanager
def tensorboard(log_dir: Path, *flags: str):
    """A TensorBoard process on a free port, as a user starts it; gives its address."""
    command = [sys.executable, "-m", "tensorboard.main", f"--logdir={log_dir}", "--port=0", "--reload_interval=1"]
    process = subprocess.Popen([*command, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if address := re.search(r"http://\S+", line):
                break
        else:
            raise RuntimeError(f"TensorBoard ended without an address:\n{''.join(said)}")
        yield address[0]
    finally:
        process.terminate()
        process.communicate()


@pytest.fixture(scope="session")
def log_dir(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    written_logs.write(directory / "healthy", synthetic.healthy())
    written_logs.write(directory / "vanishing", written_logs.vanishing())
    written_logs.write(directory / written_logs.HOSTILE_RUN, written_logs.hostile())
    return directory


@pytest.fixture(scope="session")
def address(log_dir):
    with tensorboard(log_dir) as url:
        yield url


@pytest.fixture(scope="session")
def serve():
    """TensorBoard on a log directory of the test's own: a context manager that gives its address."""
    return tensorboard


@pytest.fixture(scope="session")
def prefixed_address(log_dir):
    """As behind a reverse proxy."""
    with tensorboard(log_dir, "--path_prefix=/some/prefix") as url:
        yield url


@pytest.fixture(scope="session")
def empty_address(tmp_path_factory):
    with tensorboard(tmp_path_factory.mktemp("empty")) as url:
        yield url


@pytest.fixture(scope="session")
def nested(tmp_path_factory) -> Path:
    """The log of a run of many layers in modules within modules, in a directory of its own."""
    directory = tmp_path_factory.mktemp("nested") / "nested"
    written_logs.write_nested(directory)
    return directory


@pytest.fixture(scope="session")
def nested_address(nested):
    with tensorboard(nested.parent) as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    path = os.environ.get("TB_LOSSDIAG_BROWSER") or shutil.which("chromium")
    if path is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(NO_BROWSER)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A fresh page. The test fails when anything in it logs an error, throws, or breaks the security policy."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.add_init_script(WATCH_POLICY)
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(described(message)) if is_fault(message) else None)
    yield page
    context.close()
    assert not faults


def described(message) -> str:
    return f"{message.text} {message.location.get('url', '')}"


def is_fault(message) -> bool:
    """Whether it is an error, and not one of TensorBoard's own missing files.

    A page that asks on after its TensorBoard has ended, as a test's does before it is closed, is refused.
    """
    address = message.location.get("url", "")
    expected = any(path in address for path in TENSORBOARD_LACKS) or "ERR_CONNECTION_REFUSED" in message.text
    return message.type == "error" and not expected


@pytest.fixture
def violations(page):
    """What axe finds wrong with the page as it stands: a function that lists it."""

    def found() -> list[str]:
        page.evaluate(AXE.read_text())
        return page.evaluate(RUN_AXE)

    return found


@pytest.fixture
def in_both_themes(page, violations):
    """The same in the light theme and then in the dark one."""

    def found() -> list[str]:
        listed = []
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
            listed += violations()
        return listed

    return found


@pytest.fixture
def tab(page, address):
    """The tab inside TensorBoard: a function from the rest of the hash to the plugin's frame, ready to read."""

    def open_tab(rest: str = "", url: str = address):
        page.goto(f"{url}#lossdiag{rest}")
        frame = page.locator("iframe").element_handle().content_frame()
        frame.wait_for_selector("main h1")
        return frame

    return open_tab


@pytest.fixture
def entry(page, address):
    """The tab's own page without TensorBoard around it, which opens faster."""

    def open_entry(rest: str = "", url: str = address):
        page.goto(f"{url}data/plugin_entry.html?name=lossdiag#lossdiag{rest}")
        page.wait_for_selector("main h1")
        return page

    return open_entry


@pytest.fixture
def copied_report(page):
    """A function: the report of the run on the page, as the share menu copies it without the clipboard API."""
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")

    def copied() -> str:
        page.locator("summary", has_text="Share").click()
        page.get_by_role("button", name="Copy report as Markdown").click()
        page.get_by_role("button", name="Copied").wait_for()
        page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'paste' }))")
        page.locator("#paste").focus()
        page.keyboard.press("Control+V")
        return page.locator("#paste").input_value()

    return copied

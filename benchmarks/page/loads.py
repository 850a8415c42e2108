"""How long does one load of a tab take, and how fast does it answer the hand? Each in a browser context of its own."""

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Frame, Page

from benchmarks.page.serving import VIEWPORT
from benchmarks.page.training import RUN

WATCH = (Path(__file__).parent / "watch.js").read_text()
MOVES, TURNS = 60, 12
RECORDS = f"async () => (await (await fetch('layers?run={RUN}')).json()).steps.shown"
BLANK = """() => {
  const canvas = document.querySelector(".heatmap canvas"), ctx = canvas.getContext("2d");
  const { data } = ctx.getImageData(canvas.width / 3, 4, canvas.width / 2, canvas.height / 2);
  return new Set(new Uint32Array(data.buffer)).size < 4;
}"""


@dataclass(frozen=True)
class Load:
    """One load. Times in ms; `findings` and `heatmap` from the start of our frame, `first` from that of the page.

    heap: bytes of the page after a collection, the browser's own objects and typed arrays included, TensorBoard's too.
    records: layer records that the page has to show; of more than 64 MB the backend reads a sample.
    """

    findings: float
    heatmap: float
    first: float
    hover: list[float]
    zoom: list[float]
    heap: float
    records: int


@dataclass(frozen=True)
class Other:
    """One load of a tab of TensorBoard's. first: ms from the page's start to the first picture. shown: pictures."""

    first: float
    heap: float
    shown: int


def ours(browser: Browser, address: str) -> Load:
    """Raises RuntimeError when the heatmap stays blank, so that a fast nothing does not count."""
    context = browser.new_context(viewport=VIEWPORT)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(f"{address}#lossdiag")
    frame = page.locator("iframe").element_handle().content_frame()
    frame.wait_for_selector("#findings")
    first = page.evaluate("performance.now()")
    frame.wait_for_function("pageBenchmark.marks.heatmap > 0 && pageBenchmark.marks.findings > 0", timeout=60_000)
    marks = frame.evaluate("pageBenchmark.marks")
    if frame.evaluate(BLANK):
        raise RuntimeError("the heatmap is blank")
    heap = _heap(page)
    records = frame.evaluate(RECORDS)
    hover, zoom = _hovered(page, frame), _zoomed(page, frame)
    context.close()
    return Load(marks["findings"], marks["heatmap"], first, hover, zoom, heap, records)


def theirs(browser: Browser, address: str, tab: str, picture: str, drawn: str) -> Other:
    """picture: the element of one picture. drawn: what is in it once it has been drawn."""
    context = browser.new_context(viewport=VIEWPORT)
    page = context.new_page()
    page.goto(f"{address}#{tab}")
    page.wait_for_selector(f"{picture} {drawn}", state="attached", timeout=60_000)
    first = page.evaluate("performance.now()")
    page.wait_for_timeout(1500)  # until what is in view has been drawn
    found = Other(first, _heap(page), page.locator(picture).count())
    context.close()
    return found


def _heap(page: Page) -> float:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    usage = session.send("Runtime.getHeapUsage")
    return usage["usedSize"] + usage["embedderHeapUsedSize"] + usage["backingStorageSize"]


def _hovered(page: Page, frame: Frame) -> list[float]:
    """Moves over the heatmap, with every module opened, so that no cell is a cheap one."""
    if frame.get_by_role("button", name="Expand all").count():
        frame.get_by_role("button", name="Expand all").click()
    box = _plot(frame)
    frame.evaluate("pageBenchmark.latencies.length = 0")
    for i in range(MOVES):
        page.mouse.move(box["x"] + 240 + 11 * i, box["y"] + 20 + 5 * i)
        page.wait_for_timeout(40)
    return _latencies(frame, "pointermove")


def _zoomed(page: Page, frame: Frame) -> list[float]:
    """Turns of the wheel with Ctrl over the heatmap, in and out again; each redraws every chart in view."""
    box = _plot(frame)
    page.mouse.move(box["x"] + 500, box["y"] + 100)
    page.wait_for_timeout(100)
    frame.evaluate("pageBenchmark.latencies.length = 0")
    page.keyboard.down("Control")
    for i in range(TURNS):
        page.mouse.wheel(0, -100 if i < TURNS / 2 else 100)
        page.wait_for_timeout(250)  # longer than the page waits before it asks for a closer look
    page.keyboard.up("Control")
    return _latencies(frame, "wheel")


def _plot(frame: Frame) -> dict[str, float]:
    canvas = frame.locator(".heatmap canvas")
    canvas.evaluate("canvas => canvas.scrollIntoView({ block: 'start', behavior: 'instant' })")
    frame.wait_for_timeout(300)
    return canvas.bounding_box()


def _latencies(frame: Frame, kind: str) -> list[float]:
    frame.wait_for_timeout(200)
    taken = [taken for name, taken in frame.evaluate("pageBenchmark.latencies") if name == kind]
    if not taken:
        raise RuntimeError(f"nothing on the page answered a {kind}")
    return taken

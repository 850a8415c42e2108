"""Which pictures does the README show? The tab on the demo's logs, light and dark; run after `python3 demo --no-serve`.

.venv/bin/python demo/pictures.py      (needs the packages of `python3 tests` and Chromium)
"""

import os
import shutil
from pathlib import Path

import serve
from playwright.sync_api import sync_playwright

HERE = Path(__file__).resolve().parent
RUN = "deep_sigmoid"
SIZE = {"width": 1400, "height": 1000}


def main() -> None:
    pictures = HERE / "pictures"
    pictures.mkdir(exist_ok=True)
    chromium = os.environ.get("TB_LOSSDIAG_BROWSER") or shutil.which("chromium")
    with serve.running(HERE / "logs") as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for theme in ("light", "dark"):
            page = browser.new_page(viewport=SIZE, device_scale_factor=1)
            page.goto(f"{address}?darkMode={str(theme == 'dark').lower()}#lossdiag&p.lossdiag.run={RUN}")
            frame = page.locator("iframe").element_handle().content_frame()
            frame.wait_for_selector("main h1")
            frame.wait_for_selector("canvas")
            # As tall as the page is, so that findings, curves and heatmap are all in the picture.
            height = frame.evaluate("document.querySelector('main').scrollHeight") + 64
            page.set_viewport_size({**SIZE, "height": height})
            page.wait_for_timeout(1500)
            page.screenshot(path=pictures / f"{RUN}-{theme}.png", clip={"x": 0, "y": 0, "width": 1400, "height": 2210})
        browser.close()


if __name__ == "__main__":
    main()

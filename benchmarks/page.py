"""The gallery page in a browser, over many images: first page, filter, scrolling, and bytes.

The page is served by the API app's own functions over in-memory services, with the headers and the compression of the
deployed app, so the times are those of the page, the API's code and this machine. What queries take in Cosmos DB is
another benchmark (`make bench-queries`).

- `first page`: from the request for the page until the first images are shown, by a user who is signed in.
- `filter`: from the choice of a label until its images are shown.
- `scrolling`: through all images, a screen in each frame, while further pages are loaded. A frame is incomplete if a
  part of the visible grid has no row.

The exit code is 1 if one of the first two takes a second or more, or a frame is incomplete.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from playwright.sync_api import Browser, Page
from rich.console import Console
from rich.table import Table

from tests.support.page.browser import launch_chromium, sign_in
from tests.support.page.scrolling import scroll
from tests.support.page.server import LocalPageServer

MAX_MS = 1000.0
_WIDTH = 1280
_HEIGHT = 800
_STEPS = 200
_LABEL = "coffee"
# Milliseconds since the page was requested, at the first frame in which a tile is there whose image is complete.
_TIME_OF_FIRST_IMAGES = """
() => new Promise((resolve) => {
  const check = () => {
    const isVisible = (image) => image.getBoundingClientRect().top < innerHeight;
    const images = [...document.querySelectorAll(".tile img")].filter(isVisible);
    if (images.length > 0 && images.every((image) => image.complete)) {
      resolve(performance.now());
    } else {
      requestAnimationFrame(check);
    }
  };
  check();
})
"""
_TIME_OF_FILTER = """
(label) => new Promise((resolve) => {
  const start = performance.now();
  const select = document.getElementById("filter-label");
  select.value = label;
  select.dispatchEvent(new Event("change"));
  const check = () => {
    const tiles = [...document.querySelectorAll(".tile-match")];
    if (tiles.length > 0 && tiles.every((tile) => tile.textContent.includes(`label ${label}`))) {
      resolve(performance.now() - start);
    } else {
      requestAnimationFrame(check);
    }
  };
  check();
})
"""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured; times in milliseconds, medians of all runs but for the scrolling.

    Attributes:
        images: Images of the library.
        first_page_ms: Time of the first page.
        first_page_bytes: Bytes of the page's files, compressed, and of the API's answers, without images.
        filter_ms: Time of a filter.
        filter_bytes: Bytes of the API's answers.
        scrolled_images: Images that were loaded while scrolling.
        frames: Frames of the scrolling.
        incomplete_frames: Frames in which a part of the visible grid had no row.
        median_frame_ms: Median duration of a frame.
        p99_frame_ms: 99th percentile.
        most_rows: The most rows of elements that the page had at once.
    """

    images: int
    first_page_ms: float
    first_page_bytes: int
    filter_ms: float
    filter_bytes: int
    scrolled_images: int
    frames: int
    incomplete_frames: int
    median_frame_ms: float
    p99_frame_ms: float
    most_rows: int


def measure(browser: Browser, server: LocalPageServer, *, images: int, runs: int) -> Result:
    """Measure in a library of so many images."""
    server.run(lambda services: services.add_library(images))
    context = browser.new_context(base_url=server.origin, viewport={"width": _WIDTH, "height": _HEIGHT})
    page = context.new_page()
    page.goto("/")
    sign_in(page, "reader")
    page.locator(".tile").first.wait_for()
    first_page: list[float] = []
    filters: list[float] = []
    first_page_bytes = filter_bytes = 0
    for _ in range(runs):
        # A new tab has no cached module, but the session is that of the tab; so the cache is emptied instead.
        session = context.new_cdp_session(page)
        session.send("Network.clearBrowserCache")
        session.detach()
        before = server.sent_bytes
        page.goto("/", wait_until="commit")
        first_page.append(page.evaluate(_TIME_OF_FIRST_IMAGES))
        page.locator(f"#filter-label option[value={_LABEL}]").wait_for(state="attached")
        first_page_bytes = server.sent_bytes - before
        before = server.sent_bytes
        filters.append(page.evaluate(_TIME_OF_FILTER, _LABEL))
        filter_bytes = server.sent_bytes - before
    page.goto("/")
    page.locator(".tile").first.wait_for()
    milliseconds, incomplete_frames, most_rows, scrolled = _scroll_to_the_end(page)
    context.close()
    return Result(
        images=images,
        first_page_ms=round(statistics.median(first_page)),
        first_page_bytes=first_page_bytes,
        filter_ms=round(statistics.median(filters)),
        filter_bytes=filter_bytes,
        scrolled_images=scrolled,
        frames=len(milliseconds),
        incomplete_frames=incomplete_frames,
        median_frame_ms=round(statistics.median(milliseconds), 1),
        p99_frame_ms=round(statistics.quantiles(milliseconds, n=100)[-1], 1),
        most_rows=most_rows,
    )


def _scroll_to_the_end(page: Page) -> tuple[list[float], int, int, int]:
    milliseconds: list[float] = []
    incomplete_frames = 0
    most_rows = 0
    while True:
        scrolling = scroll(page, distance=_HEIGHT, steps=_STEPS)
        milliseconds += scrolling.milliseconds
        incomplete_frames += scrolling.incomplete_frames
        most_rows = max(most_rows, scrolling.most_rows)
        text = page.locator(".filter-status p").inner_text()
        if "+" not in text:
            return milliseconds, incomplete_frames, most_rows, int(text.split()[0].replace(",", ""))


def create_table(result: Result) -> Table:
    """Return the result as a table."""
    table = Table("", "measured", title=f"{result.images:,} images, {_WIDTH} by {_HEIGHT} pixels")
    table.add_row("first page", f"{result.first_page_ms:.0f} ms, {result.first_page_bytes:,} bytes without images")
    table.add_row("filter", f"{result.filter_ms:.0f} ms, {result.filter_bytes:,} bytes without images")
    table.add_row("scrolling", f"{result.scrolled_images:,} images in {result.frames:,} frames")
    table.add_row("incomplete frames", f"{result.incomplete_frames}")
    table.add_row("frame", f"median {result.median_frame_ms} ms, 99th percentile {result.p99_frame_ms} ms")
    table.add_row("most rows at once", f"{result.most_rows}")
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000, help="images of the library")
    parser.add_argument("--runs", type=int, default=5, help="runs of first page and filter")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args(arguments)
    with launch_chromium() as browser, LocalPageServer() as server:
        result = measure(browser, server, images=options.images, runs=options.runs)
    if options.format == "json":
        print(json.dumps(asdict(result)))
    else:
        Console().print(create_table(result))
    is_slow = max(result.first_page_ms, result.filter_ms) >= MAX_MS
    return 1 if is_slow or result.incomplete_frames else 0


if __name__ == "__main__":
    sys.exit(main())

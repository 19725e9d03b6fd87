"""Scrolls the gallery's grid in a browser, and checks every frame."""

from dataclasses import dataclass

from playwright.sync_api import Page

# Scroll events come before animation frames, so the rows of a frame are there when its callback runs:
# https://html.spec.whatwg.org/multipage/webappapis.html#update-the-rendering
_SCROLL = """
async ({ distance, steps }) => {
  const grid = document.querySelector(".grid");
  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const largestGap = 17;
  const milliseconds = [];
  let incompleteFrames = 0;
  let mostRows = 0;
  let previous = await nextFrame();
  for (let step = 0; step < steps; step += 1) {
    scrollBy(0, distance);
    const time = await nextFrame();
    milliseconds.push(time - previous);
    previous = time;
    const { top, bottom } = grid.getBoundingClientRect();
    const rows = [...grid.querySelectorAll(".grid-row")].map((row) => row.getBoundingClientRect());
    mostRows = Math.max(mostRows, rows.length);
    let covered = Math.max(0, top);
    const end = Math.min(innerHeight, bottom);
    for (const row of rows.sort((first, second) => first.top - second.top)) {
      if (row.bottom > covered && row.top - covered <= largestGap) {
        covered = row.bottom;
      }
    }
    incompleteFrames += end - covered > largestGap ? 1 : 0;
  }
  return { milliseconds, incompleteFrames, mostRows };
}
"""


@dataclass(frozen=True, kw_only=True)
class Scrolling:
    """What scrolling was like.

    Attributes:
        milliseconds: Duration of each frame, shortest first.
        incomplete_frames: Frames in which a part of the visible grid had no row.
        most_rows: The most rows that the page had at once.
    """

    milliseconds: list[float]
    incomplete_frames: int
    most_rows: int


def scroll(page: Page, *, distance: int, steps: int) -> Scrolling:
    """Scroll down by `distance` pixels in each of `steps` frames."""
    result = page.evaluate(_SCROLL, {"distance": distance, "steps": steps})
    return Scrolling(
        milliseconds=sorted(result["milliseconds"]),
        incomplete_frames=result["incompleteFrames"],
        most_rows=result["mostRows"],
    )

// A grid of images that creates elements only for the rows near the visible part, however many images there are.

/** @import {Page, Tile} from "./types.js" */

import { announce, element, icon } from "./elements.js";
import { baseName, countText, formatConfidence, itemTitle, matchText, statusText } from "./texts.js";

const PAGE_SIZE = 60;
// Of the text of a tile, in pixels: a narrow one has two lines of its title.
const TEXT_HEIGHT = 72;
const NARROW_TEXT_HEIGHT = 86;
const ROWS_OUTSIDE = 3;

export class Grid {
  /**
   * @param {object} options
   * @param {(cursor: string | null, limit: number, signal: AbortSignal) => Promise<Page>} options.load
   * @param {(item: Tile) => string} options.addressOf
   * @param {(id: string) => void} options.onOpen
   * @param {(error: unknown) => void} options.onError Receives the error of the first page.
   * @param {(count: number, complete: boolean) => void} options.onCount
   */
  constructor({ load, addressOf, onOpen, onError, onCount }) {
    this.load = load;
    this.addressOf = addressOf;
    this.onOpen = onOpen;
    this.onError = onError;
    this.onCount = onCount;
    /** @type {Tile[]} */
    this.items = [];
    /** @type {Set<string>} */
    this.ids = new Set();
    /** @type {string | null} */
    this.cursor = null;
    this.isComplete = false;
    this.isLoading = false;
    /** @type {unknown} */
    this.error = null;
    this.controller = new AbortController();
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.columns = 0;
    this.rowHeight = 0;
    this.gap = 16;
    this.list = element("div", { class: "grid", role: "list", "aria-label": "Images" });
    this.end = element("div", { class: "grid-end" });
    this.root = element("div", {}, this.list, this.end);
    this.observer = new ResizeObserver(() => this.measure());
    this.onScroll = () => this.draw();
  }

  /** Starts to load and draw; the root must be in the page. */
  start() {
    addEventListener("scroll", this.onScroll, { passive: true });
    this.observer.observe(this.list);
    this.measure();
    void this.loadMore();
  }

  /** Stops loading and drawing for good. */
  stop() {
    this.controller.abort();
    this.observer.disconnect();
    removeEventListener("scroll", this.onScroll);
  }

  /**
   * Returns the image that comes some steps after another one.
   *
   * @param {string} id
   * @param {number} step
   * @returns {Tile | undefined}
   */
  neighbor(id, step) {
    const index = this.items.findIndex((item) => item.id === id);
    return index < 0 ? undefined : this.items[index + step];
  }

  /** @param {string} id */
  remove(id) {
    this.items = this.items.filter((item) => item.id !== id);
    this.ids.delete(id);
    this.redraw();
  }

  /**
   * Puts an image first, or in the place of its earlier version.
   *
   * @param {Tile} item
   */
  putFirst(item) {
    this.items = [item, ...this.items.filter((other) => other.id !== item.id)];
    this.ids.add(item.id);
    this.redraw();
  }

  measure() {
    const width = this.list.clientWidth;
    if (width === 0) {
      return;
    }
    const isNarrow = width < 600;
    this.gap = isNarrow ? 8 : 16;
    const columns = isNarrow ? 2 : Math.max(2, Math.floor((width + this.gap) / (240 + this.gap)));
    const tile = (width - this.gap * (columns - 1)) / columns;
    const rowHeight = Math.round(tile * 0.75) + (isNarrow ? NARROW_TEXT_HEIGHT : TEXT_HEIGHT);
    this.list.classList.toggle("grid-narrow", isNarrow);
    if (columns !== this.columns || rowHeight !== this.rowHeight) {
      this.columns = columns;
      this.rowHeight = rowHeight;
      this.redraw();
    }
  }

  redraw() {
    for (const row of this.rows.values()) {
      row.remove();
    }
    this.rows.clear();
    this.draw();
    this.onCount(this.items.length, this.isComplete);
  }

  draw() {
    if (this.columns === 0) {
      return;
    }
    const pitch = this.rowHeight + this.gap;
    const count = Math.ceil(this.items.length / this.columns);
    const pending = this.isLoading && this.items.length === 0 ? 3 : 0;
    this.list.style.height = `${Math.max(0, (count + pending) * pitch - this.gap)}px`;
    const top = this.list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(-top / pitch) - ROWS_OUTSIDE);
    const last = Math.min(count + pending, Math.ceil((innerHeight - top) / pitch) + ROWS_OUTSIDE);
    for (const [index, row] of this.rows) {
      if ((index < first || index >= last) && !row.contains(document.activeElement)) {
        row.remove();
        this.rows.delete(index);
      }
    }
    for (let index = first; index < last; index += 1) {
      if (!this.rows.has(index)) {
        this.insertRow(index, pitch);
      }
    }
    if ((last + ROWS_OUTSIDE) * this.columns >= this.items.length) {
      void this.loadMore();
    }
  }

  /**
   * @param {number} index
   * @param {number} pitch
   */
  insertRow(index, pitch) {
    const items = this.items.slice(index * this.columns, (index + 1) * this.columns);
    const tiles = items.length > 0 ? items.map((item) => element("div", { role: "listitem" }, this.tile(item))) : Array.from({ length: this.columns }, skeleton);
    const row = element("div", { class: "grid-row" }, ...tiles);
    row.style.transform = `translateY(${index * pitch}px)`;
    row.style.height = `${this.rowHeight}px`;
    row.style.setProperty("--grid-columns", String(this.columns));
    row.style.setProperty("--grid-gap", `${this.gap}px`);
    // The order of the elements is the order of the Tab key and of screen readers.
    const after = [...this.rows.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    this.list.insertBefore(row, after === undefined ? null : (this.rows.get(after) ?? null));
    this.rows.set(index, row);
  }

  /** @param {Tile} item */
  tile(item) {
    const title = itemTitle(item);
    const detail = item.matches?.length
      ? element("span", { class: "tile-detail tile-match" }, item.matches.map(matchText).join(", "))
      : element("span", { class: "tile-detail" }, describe(item));
    return element(
      "a",
      {
        class: "tile",
        href: this.addressOf(item),
        "data-id": item.id,
        onclick: (/** @type {MouseEvent} */ event) => {
          if (!event.metaKey && !event.ctrlKey && !event.shiftKey) {
            event.preventDefault();
            this.onOpen(item.id);
          }
        },
      },
      picture(item),
      element("span", { class: "tile-text" }, element("span", { class: item.caption === null ? "tile-title" : "tile-title sentence" }, title), detail),
    );
  }

  async loadMore() {
    if (this.isLoading || this.isComplete || this.error !== null) {
      return;
    }
    this.isLoading = true;
    this.end.replaceChildren(this.items.length > 0 ? "Loading more images …" : "");
    this.draw();
    try {
      const page = await this.load(this.cursor, PAGE_SIZE, this.controller.signal);
      const start = this.items.length;
      for (const item of page.items.filter((candidate) => !this.ids.has(candidate.id))) {
        this.items.push(item);
        this.ids.add(item.id);
      }
      this.cursor = page.cursor;
      this.isComplete = page.cursor === null;
      this.isLoading = false;
      this.end.replaceChildren();
      if (start === 0) {
        announce(this.items.length === 0 ? "No images" : countText(this.items.length, this.isComplete));
      }
      this.redrawFrom(start);
    } catch (error) {
      this.isLoading = false;
      if (this.controller.signal.aborted) {
        return;
      }
      this.error = error;
      if (this.items.length === 0) {
        this.onError(error);
      } else {
        this.showRetry(error);
      }
    }
  }

  /** @param {number} start The index of the first new image. */
  redrawFrom(start) {
    for (const [index, row] of this.rows) {
      if ((index + 1) * this.columns > start) {
        row.remove();
        this.rows.delete(index);
      }
    }
    this.draw();
    this.onCount(this.items.length, this.isComplete);
  }

  /** @param {unknown} error */
  showRetry(error) {
    const retry = () => {
      this.error = null;
      void this.loadMore();
    };
    this.end.replaceChildren(
      element("p", { role: "alert" }, error instanceof Error ? error.message : String(error)),
      element("button", { class: "button", type: "button", onclick: retry }, "Try again"),
    );
  }
}

/** @param {Tile} item */
function describe(item) {
  if (item.status !== "classified") {
    return item.reason?.sentence ?? "";
  }
  const category = item.category ? `${item.category.name} ${formatConfidence(item.category.confidence)}`.trim() : "No category";
  return item.caption === null ? baseName(item.name) : category;
}

/** @param {Tile} item */
function picture(item) {
  const frame = element("span", { class: "tile-picture" });
  const placeholder = icon(item.status === "classified" ? "image" : "warning");
  if (item.contentUrl !== null) {
    const image = element("img", { src: item.contentUrl, alt: "", loading: "lazy", decoding: "async" });
    // The browser cannot show every format that is classified, such as TIFF, nor what is no image.
    image.addEventListener("error", () => image.replaceWith(placeholder));
    frame.append(image);
  } else {
    frame.append(placeholder);
  }
  if (item.status !== "classified") {
    frame.append(element("span", { class: `badge badge-${item.status}` }, statusText(item.status)));
  }
  return frame;
}

function skeleton() {
  return element("div", { class: "skeleton", "aria-hidden": "true" });
}

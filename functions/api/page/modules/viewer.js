// The dialog that shows one image with what was found in it.

/** @import {Api} from "./api.js" */
/** @import {Filters} from "./filters.js" */
/** @import {ImageRecord} from "./types.js" */

import { announce, element, icon } from "./elements.js";
import { address } from "./filters.js";
import { overlays } from "./overlays.js";
import { advice, alternativeText, baseName, formatConfidence, formatSize, formatTime, statusText } from "./texts.js";

const SHOWN_TAGS = 12;

export class Viewer {
  /**
   * @param {object} options
   * @param {Api} options.api
   * @param {boolean} options.mayDelete
   * @param {boolean} options.hasSimilarity
   * @param {(step: number) => void} options.onStep Is called to show the next or the previous image.
   * @param {(filters: Filters) => void} options.onFilter
   * @param {(id: string) => void} options.onOpen
   * @param {(id: string) => void} options.onDeleted
   * @param {() => void} options.onClose
   */
  constructor(options) {
    this.options = options;
    this.id = "";
    this.controller = new AbortController();
    this.title = element("h2", { id: "viewer-title" });
    this.stage = element("div", { class: "viewer-stage" });
    this.details = element("div", { class: "viewer-details", tabIndex: 0, role: "region", "aria-label": "What was found" });
    this.dialog = element(
      "dialog",
      { class: "viewer", "aria-labelledby": "viewer-title", tabIndex: -1, onclose: () => this.closed() },
      element("div", { class: "viewer-content" }, this.createHeader(), this.stage, this.details),
    );
    this.dialog.addEventListener("keydown", (event) => this.onKey(event));
    document.body.append(this.dialog);
  }

  /**
   * Shows an image.
   *
   * @param {string} id
   */
  async show(id) {
    this.controller.abort();
    this.controller = new AbortController();
    const { signal } = this.controller;
    this.id = id;
    this.fill("Loading …", element("div", { class: "skeleton" }), null);
    if (!this.dialog.open) {
      this.dialog.showModal();
    }
    try {
      const [record, url] = await Promise.all([
        this.options.api.image(id, signal),
        this.options.api.contentUrl(id).catch(() => null),
      ]);
      if (signal.aborted) {
        return;
      }
      if (record === null) {
        this.drawMessage("This image is being classified. Open it again in a moment.");
      } else {
        this.draw(record, url);
      }
    } catch (error) {
      if (!signal.aborted) {
        this.drawMessage(error instanceof Error ? error.message : String(error));
      }
    }
  }

  close() {
    this.dialog.close();
  }

  closed() {
    this.controller.abort();
    this.options.onClose();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const isTyping = event.target instanceof HTMLInputElement && event.target.type !== "checkbox";
    if (event.defaultPrevented || isTyping) {
      return;
    }
    if (event.key === "ArrowLeft") {
      this.options.onStep(-1);
    } else if (event.key === "ArrowRight") {
      this.options.onStep(1);
    }
  }

  createHeader() {
    const step = (/** @type {number} */ by) => () => this.options.onStep(by);
    return element(
      "div",
      { class: "viewer-header" },
      this.title,
      element("button", { class: "button button-quiet button-icon", type: "button", "aria-label": "Previous image", onclick: step(-1) }, icon("previous")),
      element("button", { class: "button button-quiet button-icon", type: "button", "aria-label": "Next image", onclick: step(1) }, icon("next")),
      element("button", { class: "button button-quiet button-icon", type: "button", "aria-label": "Close", onclick: () => this.close() }, icon("close")),
    );
  }

  /**
   * Replaces what is below the header, whose buttons keep the focus.
   *
   * @param {string} title
   * @param {Node} stage
   * @param {Node | null} details
   */
  fill(title, stage, details) {
    const hadFocus = this.dialog.contains(document.activeElement);
    this.title.textContent = title;
    this.title.title = title;
    this.stage.replaceChildren(stage);
    this.details.replaceChildren(...(details === null ? [] : [details]));
    if (hadFocus && !this.dialog.contains(document.activeElement)) {
      this.dialog.focus();
    }
  }

  /** @param {string} text */
  drawMessage(text) {
    const message = element("div", { class: "state", role: "alert" }, icon("image", "state-art"), element("p", {}, text));
    this.fill("Image", message, null);
  }

  /**
   * @param {ImageRecord} record
   * @param {string | null} url
   */
  draw(record, url) {
    const { drawing, switches } = overlays(record);
    const alternative = alternativeText(record);
    const canvas = element("div", { class: "viewer-canvas" });
    if (url === null) {
      canvas.append(icon("warning", "state-art"));
    } else {
      const picture = element("img", { src: url, alt: alternative });
      picture.addEventListener("error", () => {
        canvas.replaceChildren(element("p", { class: "muted" }, "The browser cannot show this file."));
      });
      canvas.append(element("div", { class: "viewer-picture" }, picture, drawing));
    }
    const stage = document.createDocumentFragment();
    stage.append(canvas, ...(switches === null ? [] : [switches]));
    this.fill(baseName(record.blob.name), stage, this.createDetails(record));
    announce(alternative);
    if (this.options.hasSimilarity && record.status === "classified") {
      void this.drawSimilar(record.id);
    }
  }

  /** @param {ImageRecord} record */
  createDetails(record) {
    return element(
      "div",
      { class: "viewer-findings" },
      record.caption === null ? null : element("p", { class: "caption" }, record.caption.text),
      notice(record),
      this.tags(record),
      textLines(record),
      element("div", { class: "similar-place" }),
      properties(record),
      this.actions(record),
    );
  }

  /** @param {ImageRecord} record */
  tags(record) {
    if (!record.tags || record.tags.length === 0) {
      return null;
    }
    const sorted = [...record.tags].sort((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0));
    const rows = sorted.map((tag) => {
      const filters = { label: tag.name };
      const link = element(
        "a",
        {
          href: address(filters),
          onclick: (/** @type {MouseEvent} */ event) => {
            event.preventDefault();
            this.options.onFilter(filters);
          },
        },
        tag.name,
      );
      const confidence = formatConfidence(tag.confidence);
      return element(
        "li",
        { class: "tag" },
        link,
        tag.confidence === null
          ? element("span")
          : element("meter", { min: 0, max: 1, value: tag.confidence, "aria-label": `Confidence of ${tag.name}` }),
        element("span", { class: "tag-value" }, confidence),
      );
    });
    const list = element("ul", { class: "tags" }, ...rows.slice(0, SHOWN_TAGS));
    const section = element("section", {}, element("h3", {}, `Tags (${rows.length})`), list);
    if (rows.length > SHOWN_TAGS) {
      const more = element("button", { class: "button button-quiet", type: "button" }, `Show all ${rows.length}`);
      more.addEventListener("click", () => {
        list.append(...rows.slice(SHOWN_TAGS));
        more.remove();
      });
      section.append(more);
    }
    return section;
  }

  /** @param {ImageRecord} record */
  actions(record) {
    const copy = element("button", { class: "button", type: "button" }, icon("link"), "Copy link");
    copy.addEventListener("click", async () => {
      const isCopied = await navigator.clipboard.writeText(new URL(address({}, record.id), location.href).href).then(
        () => true,
        () => false,
      );
      announce(isCopied ? "The link was copied" : "The link could not be copied");
      copy.replaceChildren(icon("link"), isCopied ? "Copied" : "Not copied");
    });
    const actions = element("div", { class: "viewer-actions" }, copy);
    if (this.options.mayDelete) {
      actions.append(
        element("button", { class: "button button-danger", type: "button", onclick: () => this.confirmDeletion(record) }, icon("remove"), "Delete"),
      );
    }
    return actions;
  }

  /** @param {ImageRecord} record */
  confirmDeletion(record) {
    const problem = element("p", { class: "upload-problem", role: "alert" });
    const remove = element("button", { class: "button button-danger", type: "button" }, "Delete");
    const dialog = element(
      "dialog",
      { class: "confirm", "aria-labelledby": "confirm-title" },
      element("h2", { id: "confirm-title" }, `Delete ${baseName(record.blob.name)}?`),
      element("p", {}, "The image and its results are removed."),
      problem,
      element(
        "div",
        { class: "confirm-actions" },
        element("button", { class: "button", type: "button", onclick: () => dialog.close() }, "Cancel"),
        remove,
      ),
    );
    remove.addEventListener("click", async () => {
      remove.disabled = true;
      try {
        await this.options.api.remove(record.id);
        dialog.close();
        this.close();
        this.options.onDeleted(record.id);
      } catch (error) {
        remove.disabled = false;
        problem.textContent = error instanceof Error ? error.message : String(error);
      }
    });
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  /** @param {string} id */
  async drawSimilar(id) {
    const items = await this.options.api.similar(id).catch(() => []);
    const place = this.dialog.querySelector(".similar-place");
    if (this.id !== id || place === null || items.length === 0) {
      return;
    }
    const links = items.map((item) => {
      const open = (/** @type {MouseEvent} */ event) => {
        event.preventDefault();
        this.options.onOpen(item.id);
      };
      const link = element("a", { href: address({}, item.id), onclick: open }, picture(item.contentUrl, item.caption ?? baseName(item.name)));
      return element("li", {}, link);
    });
    place.replaceChildren(element("h3", {}, "Similar images"), element("ul", { class: "similar" }, ...links));
  }
}

/**
 * @param {string} url
 * @param {string} alternative
 */
function picture(url, alternative) {
  const image = element("img", { src: url, alt: alternative, loading: "lazy" });
  image.addEventListener("error", () => image.replaceWith(element("span", { class: "small" }, alternative)));
  return image;
}

/** @param {ImageRecord} record */
function notice(record) {
  if (record.reason === null) {
    return null;
  }
  const kind = record.status === "failed" ? "negative" : "warning";
  return element(
    "section",
    { class: `notice notice-${kind}` },
    element("h3", {}, `${statusText(record.status)}: ${record.reason.code}`),
    element("p", {}, record.reason.sentence),
    element("p", {}, advice(record.reason)),
  );
}

/** @param {ImageRecord} record */
function textLines(record) {
  if (!record.read || record.read.length === 0) {
    return null;
  }
  const lines = record.read.map((line) => element("p", {}, line.text));
  return element("section", {}, element("h3", {}, "Text in the image"), element("div", { class: "lines" }, ...lines));
}

/** @param {ImageRecord} record */
function properties(record) {
  /** @type {[string, string | null | undefined][]} */
  const rows = [
    ["Name", record.blob.name],
    ["Category", record.category && `${record.category.name} ${formatConfidence(record.category.confidence)}`],
    ["Dimensions", record.image && `${record.image.width} × ${record.image.height} pixels, ${record.image.format}`],
    ["Size", record.blob.sizeBytes === null ? null : formatSize(record.blob.sizeBytes)],
    ["Uploaded", record.blob.createdAt && formatTime(record.blob.createdAt)],
    ["Processed", formatTime(record.processedAt)],
    ["Model", record.analyzer?.modelVersion],
  ];
  const cells = rows.flatMap(([name, value]) => (value ? [element("dt", {}, name), element("dd", {}, value)] : []));
  return element("section", {}, element("h3", {}, "Properties"), element("dl", { class: "properties" }, ...cells));
}

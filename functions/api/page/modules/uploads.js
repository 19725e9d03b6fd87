// The panel of uploads: several at once, with progress, problems and results.

/** @import {Api} from "./api.js" */
/** @import {Configuration, ImageRecord} from "./types.js" */

import { announce, byId, element, icon } from "./elements.js";
import { checkFile, FileError } from "./file-checks.js";
import { advice, baseName, statusText } from "./texts.js";
import { sendFile, waitForRecord } from "./transfer.js";

const PARALLEL = 3;

export class Uploads {
  /**
   * @param {object} options
   * @param {Api} options.api
   * @param {Configuration["limits"]} options.limits
   * @param {(record: ImageRecord) => void} options.onRecord
   * @param {(id: string) => void} options.onOpen
   */
  constructor({ api, limits, onRecord, onOpen }) {
    this.api = api;
    this.limits = limits;
    this.onRecord = onRecord;
    this.onOpen = onOpen;
    /** @type {(() => Promise<void>)[]} */
    this.waiting = [];
    this.running = 0;
    this.unfinished = 0;
    this.list = element("ul", { class: "uploads-list", tabIndex: 0, "aria-label": "Uploads" });
    this.title = element("h2", {}, "Uploads");
    this.panel = element(
      "section",
      { class: "uploads", "aria-label": "Uploads", hidden: true },
      element(
        "div",
        { class: "uploads-header" },
        this.title,
        element("button", { class: "button button-quiet button-icon", type: "button", "aria-label": "Close uploads", onclick: () => this.hide() }, icon("close")),
      ),
      this.list,
    );
    this.input = element("input", { type: "file", multiple: true, accept: "image/*,.tif,.tiff,.ico", hidden: true, id: "file-input", "aria-label": "Choose images" });
    this.input.addEventListener("change", () => {
      this.add([...(this.input.files ?? [])]);
      this.input.value = "";
    });
    document.body.append(this.panel, this.input);
    this.listenForDrops();
    addEventListener("beforeunload", (event) => {
      if (this.unfinished > 0) {
        event.preventDefault();
      }
    });
  }

  /** Opens the file picker; on a phone it offers the camera. */
  choose() {
    this.input.click();
  }

  hide() {
    this.panel.hidden = true;
    byId("results").focus();
  }

  /** @param {File[]} files */
  add(files) {
    for (const file of files) {
      const row = new UploadRow(file);
      this.list.prepend(row.root);
      this.unfinished += 1;
      this.waiting.push(() => this.upload(file, row));
    }
    if (files.length > 0) {
      this.panel.hidden = false;
      this.showTitle();
    }
    while (this.running < PARALLEL && this.waiting.length > 0) {
      void this.work();
    }
  }

  async work() {
    this.running += 1;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      await next();
    }
    this.running -= 1;
  }

  /**
   * @param {File} file
   * @param {UploadRow} row
   */
  async upload(file, row) {
    try {
      row.say("Checking …");
      const contentType = await checkFile(file, this.limits);
      const grant = await this.api.grantUpload({ name: file.name, contentType, sizeBytes: file.size });
      row.say("Uploading …");
      await sendFile(grant, file, (share) => row.progress(share), row.signal);
      row.wait();
      // The next file need not wait for the results of this one.
      void this.follow(grant.statusUrl, row);
    } catch (error) {
      this.fail(error, file, row);
    }
  }

  /**
   * @param {string} statusUrl
   * @param {UploadRow} row
   */
  async follow(statusUrl, row) {
    try {
      const record = await waitForRecord(this.api, statusUrl, row.signal);
      this.finish();
      if (record === null) {
        row.say("Uploaded. Its results take longer than usual; they will appear in the list.");
        return;
      }
      row.result(record, () => this.onOpen(record.id));
      announce(`${baseName(record.blob.name)}: ${statusText(record.status)}`);
      this.onRecord(record);
    } catch (error) {
      this.finish();
      row.problem(error instanceof Error ? error.message : String(error), null);
    }
  }

  /**
   * @param {unknown} error
   * @param {File} file
   * @param {UploadRow} row
   */
  fail(error, file, row) {
    this.finish();
    const text = error instanceof Error ? error.message : String(error);
    const retry = () => {
      row.root.remove();
      this.add([file]);
    };
    row.problem(text, error instanceof FileError ? null : retry);
    announce(`${file.name}: ${text}`);
  }

  finish() {
    this.unfinished -= 1;
    this.showTitle();
  }

  showTitle() {
    this.title.textContent = this.unfinished > 0 ? `Uploading ${this.unfinished} …` : "Uploads";
  }

  listenForDrops() {
    const target = element("div", { class: "drop-target", hidden: true }, element("p", {}, "Drop images to upload them"));
    document.body.append(target);
    let depth = 0;
    const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
    const show = (/** @type {number} */ change) => {
      depth = Math.max(0, depth + change);
      target.hidden = depth === 0;
    };
    addEventListener("dragenter", (event) => hasFiles(event) && show(1));
    addEventListener("dragleave", (event) => hasFiles(event) && show(-1));
    addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      if (hasFiles(event)) {
        event.preventDefault();
        show(-depth);
        this.add([...(event.dataTransfer?.files ?? [])]);
      }
    });
  }
}

/** The row of one file. */
class UploadRow {
  /** @param {File} file */
  constructor(file) {
    this.controller = new AbortController();
    this.signal = this.controller.signal;
    this.state = element("span", { class: "upload-state" }, "Waiting …");
    this.bar = element("progress", { max: 1, value: 0, hidden: true, "aria-label": `Progress of ${file.name}` });
    this.action = element("span", { class: "upload-action" });
    const url = URL.createObjectURL(file);
    const preview = element("img", { class: "upload-preview", alt: "", src: url });
    preview.addEventListener("load", () => URL.revokeObjectURL(url));
    preview.addEventListener("error", () => {
      URL.revokeObjectURL(url);
      preview.replaceWith(icon("image", "upload-preview"));
    });
    this.root = element("li", { class: "upload" }, preview, element("span", { class: "upload-name", title: file.name }, file.name), this.action, this.state, this.bar);
  }

  /** @param {string} text */
  say(text) {
    this.state.textContent = text;
  }

  /** @param {number} share */
  progress(share) {
    this.bar.hidden = false;
    this.bar.value = share;
    this.say(share < 1 ? `Uploading, ${Math.round(share * 100)} %` : "Uploading …");
  }

  wait() {
    this.bar.hidden = false;
    this.bar.removeAttribute("value");
    this.say("Uploaded. Waiting for its results …");
  }

  /**
   * @param {ImageRecord} record
   * @param {() => void} open
   */
  result(record, open) {
    this.bar.hidden = true;
    const found = record.caption?.text ?? record.labels.slice(0, 3).join(", ");
    const text = record.reason === null ? found || "No labels" : `${record.reason.sentence} ${advice(record.reason)}`;
    this.state.replaceChildren(element("span", { class: `badge badge-${record.status}` }, statusText(record.status)), ` ${text}`);
    this.action.replaceChildren(element("button", { class: "button", type: "button", "aria-label": `Open ${baseName(record.blob.name)}`, onclick: open }, "Open"));
  }

  /**
   * @param {string} text
   * @param {(() => void) | null} retry
   */
  problem(text, retry) {
    this.bar.hidden = true;
    this.state.classList.add("upload-problem");
    this.say(text);
    if (retry !== null) {
      this.action.replaceChildren(element("button", { class: "button", type: "button", onclick: retry }, "Try again"));
    }
  }
}

// Texts for people: reasons, sizes, times and matches.

/** @import {ImageRecord, Match, Reason, Tile} from "./types.js" */

// What to do about an image that was rejected or failed, by the code of its reason (docs/record.md).
const ADVICE = {
  EmptyFile: "Export the image again; this file has no content.",
  TooLarge: "Save a smaller version of the image, or compress it more.",
  BadDimensions: "Scale the image so that both sides are within the limits.",
  NotAnImage: "Open the file in an image editor, and save it in one of the accepted formats.",
  Archived: "The file is in the archive tier. Ask an operator to rehydrate it.",
  InvalidImage: "The file seems to be damaged. Export the image again.",
  OperationLimit: "The service did not finish the analysis. Ask an operator to send it again.",
  DeadlineExceeded: "A service did not answer for a long time. Ask an operator to send it again.",
};
const STATUS = { classified: "Classified", rejected: "Rejected", failed: "Failed" };
const UNITS = ["bytes", "kB", "MB", "GB"];

/**
 * @param {number} bytes
 * @param {number} [digits] Significant digits.
 */
export function formatSize(bytes, digits = 3) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toLocaleString("en", { maximumSignificantDigits: digits })} ${UNITS[unit]}`;
}

/**
 * Returns a size and the limit that it is above, with as many digits as it takes to tell them apart.
 *
 * @param {number} bytes
 * @param {number} limit
 * @returns {[string, string]}
 */
export function formatExcess(bytes, limit) {
  let digits = 3;
  while (formatSize(bytes, digits) === formatSize(limit, digits)) {
    digits += 1;
  }
  return [formatSize(bytes, digits), formatSize(limit, digits)];
}

/** @param {string} time */
export function formatTime(time) {
  const value = new Date(time);
  return value.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** @param {number | null | undefined} confidence */
export function formatConfidence(confidence) {
  return confidence === null || confidence === undefined ? "" : `${Math.round(confidence * 100)} %`;
}

/** @param {keyof typeof STATUS} status */
export function statusText(status) {
  return STATUS[status];
}

/** @param {Reason} reason */
export function advice(reason) {
  return Object.hasOwn(ADVICE, reason.code)
    ? ADVICE[/** @type {keyof typeof ADVICE} */ (reason.code)]
    : "Ask an operator; the code of the reason is above.";
}

/** @param {Tile} item */
export function itemTitle(item) {
  return item.caption ?? item.category?.name ?? baseName(item.name);
}

/** @param {ImageRecord} record */
export function alternativeText(record) {
  return record.caption?.text ?? (record.labels.length > 0 ? record.labels.slice(0, 5).join(", ") : baseName(record.blob.name));
}

/**
 * @param {number} count
 * @param {boolean} complete Whether there are no more.
 */
export function countText(count, complete) {
  return `${count.toLocaleString("en")}${complete ? "" : "+"} ${count === 1 && complete ? "image" : "images"}`;
}

/** @param {string} name */
export function baseName(name) {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** @param {Match} match */
export function matchText(match) {
  if (match.kind === "meaning") {
    return `similar meaning (${match.score?.toFixed(2)})`;
  }
  return match.kind === "label" ? `label ${match.text} ${formatConfidence(match.score)}`.trim() : `${match.kind} “${match.text}”`;
}

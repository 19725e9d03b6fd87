// Filters of the list: in the address of the page, so that it can be shared, and in the controls above the list.

/** @import {Count} from "./types.js" */

import { element, icon } from "./elements.js";

const NAMES = /** @type {const} */ (["q", "label", "minConfidence", "category", "status", "since", "until", "sort"]);
const TITLES = {
  q: "Words",
  label: "Label",
  minConfidence: "At least",
  category: "Category",
  status: "Status",
  since: "From",
  until: "To",
  sort: "Sort",
};
const STATUSES = { classified: "Classified", rejected: "Rejected", failed: "Failed" };
const CONFIDENCES = [50, 60, 70, 80, 90];
const TYPING_PAUSE_MS = 800;

/** @typedef {Partial<Record<(typeof NAMES)[number], string>>} Filters */

/**
 * @param {string} search The query string of an address.
 * @returns {Filters}
 */
export function readFilters(search) {
  const query = new URLSearchParams(search);
  /** @type {Filters} */
  const filters = {};
  for (const name of NAMES) {
    const value = query.get(name)?.trim();
    if (value) {
      filters[name] = value;
    }
  }
  return filters;
}

/**
 * Returns the address of a list, and of an image that is open over it.
 *
 * @param {Filters} filters
 * @param {string | null} [image]
 */
export function address(filters, image = null) {
  const query = new URLSearchParams();
  for (const name of NAMES) {
    const value = filters[name];
    if (value) {
      query.set(name, value);
    }
  }
  if (image !== null) {
    query.set("image", image);
  }
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

/**
 * Returns the filters as the API wants them: a day stands for its begin and end in the time zone of the browser.
 *
 * @param {Filters} filters
 * @returns {Record<string, string>}
 */
export function toQuery(filters) {
  /** @type {Record<string, string>} */
  const query = { ...filters };
  if (filters.minConfidence) {
    query.minConfidence = String(Number(filters.minConfidence) / 100);
  }
  if (filters.since) {
    query.since = startOfDay(filters.since, 0);
  }
  if (filters.until) {
    query.until = startOfDay(filters.until, 1);
  }
  return query;
}

/**
 * @param {string} day
 * @param {number} days
 */
function startOfDay(day, days) {
  const time = new Date(`${day}T00:00:00`);
  if (Number.isNaN(time.getTime())) {
    return day;
  }
  time.setDate(time.getDate() + days);
  return time.toISOString();
}

/**
 * Creates the controls.
 *
 * @param {Filters} filters
 * @param {{labels: Count[], categories: Count[]}} counts
 * @param {(filters: Filters) => void} onChange
 */
export function filterControls(filters, counts, onChange) {
  /**
   * @param {keyof Filters} name
   * @param {string} value
   */
  const change = (name, value) => {
    const changed = { ...filters, [name]: value };
    if (name === "label" && !value) {
      delete changed.minConfidence;
    }
    onChange(changed);
  };
  const labels = counts.labels.map((count) => option(count.name, `${count.name} (${count.count})`));
  const categories = counts.categories.map((count) => option(count.name, `${count.name} (${count.count})`));
  return element(
    "form",
    { class: "filters", "aria-label": "Filters", onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
    selection("label", filters, [option("", "Any label"), ...labels], change),
    filters.label
      ? selection(
          "minConfidence",
          filters,
          [option("", "Any confidence"), ...CONFIDENCES.map((percent) => option(String(percent), `${percent} %`))],
          change,
        )
      : null,
    selection("category", filters, [option("", "Any category"), ...categories], change),
    selection(
      "status",
      filters,
      [option("", "Any status"), ...Object.entries(STATUSES).map(([value, text]) => option(value, text))],
      change,
    ),
    day("since", filters, change),
    day("until", filters, change),
    selection(
      "sort",
      filters,
      filters.q
        ? [option("", "Best match"), option("newest", "Newest first"), option("oldest", "Oldest first")]
        : [option("", "Newest first"), option("oldest", "Oldest first")],
      change,
    ),
  );
}

/**
 * Creates a button for each filter, that removes it.
 *
 * @param {Filters} filters
 * @param {(filters: Filters) => void} onChange
 */
export function filterChips(filters, onChange) {
  const chips = NAMES.filter((name) => filters[name] && name !== "sort").map((name) => {
    const text = name === "minConfidence" ? `At least ${filters[name]} %` : `${TITLES[name]}: ${filters[name]}`;
    const without = () => {
      const changed = { ...filters };
      delete changed[name];
      if (name === "label") {
        delete changed.minConfidence;
      }
      onChange(changed);
    };
    return element(
      "li",
      {},
      element("button", { class: "chip", type: "button", "aria-label": `Remove filter ${text}`, onclick: without }, text, " ×"),
    );
  });
  return element("ul", { class: "chips", "aria-label": "Active filters" }, ...chips);
}

/**
 * @param {string} value
 * @param {string} text
 */
function option(value, text) {
  return element("option", { value }, text);
}

/**
 * @param {keyof Filters} name
 * @param {Filters} filters
 * @param {HTMLOptionElement[]} options
 * @param {(name: keyof Filters, value: string) => void} change
 */
function selection(name, filters, options, change) {
  const current = filters[name] ?? "";
  if (!options.some((candidate) => candidate.value === current)) {
    options.push(option(current, current));
  }
  const select = element("select", { class: "field", id: `filter-${name}`, name }, ...options);
  select.value = current;
  whenSettled(select, () => change(name, select.value));
  return element("div", { class: "filter" }, element("label", { for: select.id }, TITLES[name]), select);
}

/**
 * @param {"since" | "until"} name
 * @param {Filters} filters
 * @param {(name: keyof Filters, value: string) => void} change
 */
function day(name, filters, change) {
  const input = element("input", { class: "field", id: `filter-${name}`, type: "date", name, value: filters[name] ?? "" });
  whenSettled(input, () => change(name, input.value));
  return element("div", { class: "filter" }, element("label", { for: input.id }, TITLES[name]), input);
}

/**
 * Calls a function when a control was changed; while somebody types, only after a pause: the controls are drawn anew then,
 * and each letter of an option, or digit of a year, is a change.
 *
 * @param {HTMLElement} control
 * @param {() => void} apply
 */
function whenSettled(control, apply) {
  let isTyped = false;
  let timer = 0;
  control.addEventListener("keydown", () => {
    isTyped = true;
  });
  control.addEventListener("pointerdown", () => {
    isTyped = false;
  });
  control.addEventListener("change", () => {
    clearTimeout(timer);
    timer = setTimeout(apply, isTyped ? TYPING_PAUSE_MS : 0);
  });
}

/** An icon for an empty list. */
export const emptyIcon = () => icon("search", "state-art");

// Creates elements. Text only ever becomes text nodes and attributes, never markup, so that a file name, a caption or a
// line of text that was read cannot become part of the page.

const SVG = "http://www.w3.org/2000/svg";
// Shapes of the icons, drawn with strokes in a square of 24 by 24.
const ICONS = {
  upload: "M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
  close: "M6 6l12 12M18 6 6 18",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.300l-1 1M14 10a4 4 0 0 0-5.700 0l-3 3A4 4 0 0 0 11 18.700l1-1",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9.500h.01",
  warning: "M12 4 2.500 20h19zM12 10v4M12 17h.01",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4 4",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 20c1-4 4-5.500 8-5.500s7 1.500 8 5.500",
};

/**
 * Creates an element.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties] `on…` functions are event listeners, `class` and names with a dash are
 *   attributes, the others are properties. Undefined ones are left out.
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) {
      continue;
    }
    if (name.startsWith("on") && typeof value === "function") {
      node.addEventListener(name.slice(2).toLowerCase(), /** @type {EventListener} */ (value));
    } else if (name === "class" || name === "for" || name === "role" || name.includes("-")) {
      node.setAttribute(name, String(value));
    } else {
      /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (node))[name] = value;
    }
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * Creates an SVG element.
 *
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function svgElement(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

/**
 * Creates an icon, which assistive technology skips.
 *
 * @param {keyof typeof ICONS} name
 * @param {string} [className]
 */
export function icon(name, className = "") {
  const attributes = { viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false", class: className };
  return svgElement("svg", attributes, svgElement("path", { d: ICONS[name] }));
}

/** @param {string} id */
export function byId(id) {
  const node = document.getElementById(id);
  if (node === null) {
    throw new Error(`the page has no element #${id}`);
  }
  return node;
}

/**
 * Lets screen readers say a text.
 *
 * @param {string} text
 */
export function announce(text) {
  byId("announcements").textContent = text;
}

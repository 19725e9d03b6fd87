// What was found in an image, drawn over it: boxes of objects and people, lines of text, smart crops, regions with captions.

/** @import {Box, ImageRecord} from "./types.js" */

import { element, svgElement } from "./elements.js";
import { formatConfidence } from "./texts.js";

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {string} title
 * @property {boolean} isShown Whether it is shown at first.
 * @property {SVGElement[]} shapes
 */

/**
 * Returns the layers of a record that have something to draw.
 *
 * @param {ImageRecord} record
 * @returns {Layer[]}
 */
export function layersOf(record) {
  const objects = (record.objects ?? []).map((object) => rectangle("objects", object.box, named(object.name, object.confidence)));
  const people = (record.people ?? []).map((person) => rectangle("people", person.box, named("person", person.confidence)));
  // A vision model of Foundry does not say where a line is.
  const read = (record.read ?? []).flatMap((line) => (line.box ? [rectangle("read", line.box, line.text)] : []));
  const crops = (record.smartCrops ?? []).map((crop) => rectangle("crops", crop.box, `crop ${crop.aspectRatio}`));
  const captions = (record.denseCaptions ?? []).map((caption) => rectangle("captions", caption.box, caption.text));
  const layers = [
    { name: "objects", title: "Objects", isShown: true, shapes: objects },
    { name: "people", title: "People", isShown: true, shapes: people },
    { name: "read", title: "Text", isShown: true, shapes: read },
    { name: "captions", title: "Regions", isShown: false, shapes: captions },
    { name: "crops", title: "Crops", isShown: false, shapes: crops },
  ];
  return layers.filter((layer) => layer.shapes.length > 0);
}

/**
 * Creates the drawing and a switch for each layer.
 *
 * @param {ImageRecord} record
 * @returns {{drawing: SVGElement, switches: HTMLElement | null}}
 */
export function overlays(record) {
  const width = record.image?.width ?? 1;
  const height = record.image?.height ?? 1;
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const layers = layersOf(record);
  const switches = layers.map((layer) => {
    const group = svgElement("g", {}, ...layer.shapes);
    group.toggleAttribute("hidden", false);
    group.style.display = layer.isShown ? "" : "none";
    drawing.append(group);
    const input = element("input", { type: "checkbox", checked: layer.isShown });
    input.addEventListener("change", () => {
      group.style.display = input.checked ? "" : "none";
    });
    return element(
      "label",
      { class: "layer" },
      input,
      element("span", { class: `layer-swatch swatch-${layer.name}`, "aria-hidden": "true" }),
      `${layer.title} (${layer.shapes.length})`,
    );
  });
  return {
    drawing,
    switches:
      switches.length > 0
        ? element("fieldset", { class: "layers" }, element("legend", { class: "visually-hidden" }, "Show in the image"), ...switches)
        : null,
  };
}

/**
 * @param {string} layer
 * @param {Box} box
 * @param {string} text
 */
function rectangle(layer, box, text) {
  return titled(svgElement("rect", { class: `overlay overlay-${layer}`, rx: 2, ...box }), text);
}

/**
 * @param {SVGElement} shape
 * @param {string} text
 */
function titled(shape, text) {
  const title = svgElement("title");
  title.textContent = text;
  shape.append(title);
  return shape;
}

/**
 * @param {string} name
 * @param {number | null} confidence
 */
function named(name, confidence) {
  return `${name} ${formatConfidence(confidence)}`.trim();
}

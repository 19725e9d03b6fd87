// Checks of a file before anything is sent: what the service would refuse, with the same limits.

/** @import {Configuration} from "./types.js" */

import { formatExcess } from "./texts.js";

const HEADER_BYTES = 64;
const CONTENT_TYPES = {
  JPEG: "image/jpeg",
  PNG: "image/png",
  GIF: "image/gif",
  BMP: "image/bmp",
  WEBP: "image/webp",
  ICO: "image/vnd.microsoft.icon",
  TIFF: "image/tiff",
};

/** A file that the service would not accept; the message is for people. */
export class FileError extends Error {}

/**
 * Returns the format of a file by its first bytes, or null if it is none that can be classified.
 *
 * @param {Uint8Array} bytes
 * @returns {keyof typeof CONTENT_TYPES | null}
 */
export function formatOf(bytes) {
  const text = String.fromCharCode(...bytes.subarray(0, 12));
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) {
    return "JPEG";
  }
  if (text.startsWith("\x89PNG\r\n\x1a\n")) {
    return "PNG";
  }
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) {
    return "GIF";
  }
  if (text.startsWith("BM")) {
    return "BMP";
  }
  if (text.startsWith("RIFF") && text.slice(8, 12) === "WEBP") {
    return "WEBP";
  }
  if (text.startsWith("\0\0\x01\0")) {
    return "ICO";
  }
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) {
    return "TIFF";
  }
  return null;
}

/**
 * Checks a file, and returns the content type that it is uploaded with.
 *
 * @param {File} file
 * @param {Configuration["limits"]} limits
 * @returns {Promise<string>}
 * @throws {FileError} The service would not accept the file.
 */
export async function checkFile(file, limits) {
  if (file.size === 0) {
    throw new FileError("The file is empty.");
  }
  if (file.size > limits.maxBytes) {
    const [size, limit] = formatExcess(file.size, limits.maxBytes);
    throw new FileError(`The file has ${size}; it may have at most ${limit}.`);
  }
  const format = formatOf(new Uint8Array(await file.slice(0, HEADER_BYTES).arrayBuffer()));
  if (format === null || !limits.formats.includes(format)) {
    throw new FileError(`The file is no image in one of the formats ${limits.formats.join(", ")}.`);
  }
  const size = await dimensions(file);
  if (size !== null) {
    for (const [name, pixels] of Object.entries(size)) {
      if (pixels < limits.minSide || pixels > limits.maxSide) {
        throw new FileError(
          `The ${name} is ${pixels} pixels; it must be from ${limits.minSide} to ${limits.maxSide.toLocaleString("en")} pixels.`,
        );
      }
    }
  }
  return CONTENT_TYPES[format];
}

/**
 * @param {File} file
 * @returns {Promise<{width: number, height: number} | null>} Null if the browser cannot decode the format, such as TIFF;
 *   then the service checks.
 */
async function dimensions(file) {
  const url = URL.createObjectURL(file);
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    return { width: image.naturalWidth, height: image.naturalHeight };
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}

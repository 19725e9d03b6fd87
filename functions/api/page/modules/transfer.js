// Sends one file to Blob Storage, straight from the browser, and waits for its results.

/** @import {Api} from "./api.js" */
/** @import {ImageRecord, UploadGrant} from "./types.js" */

import { NetworkError, pause, ProblemError } from "./api.js";

const SENDS = 5;
const FIRST_PAUSE_MS = 1000;
const FIRST_POLL_MS = 1000;
const LONGEST_POLL_MS = 15_000;
const POLL_FACTOR = 1.5;
const LONGEST_WAIT_MS = 15 * 60_000;

/**
 * Uploads a file with a grant. A send that fails on the way is repeated.
 *
 * @param {UploadGrant} grant
 * @param {File} file
 * @param {(share: number) => void} onProgress
 * @param {AbortSignal} signal
 */
export async function sendFile(grant, file, onProgress, signal) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await put(grant, file, onProgress, signal);
    if (answer.status === 201) {
      return;
    }
    // The grant creates one blob once: after a lost answer the blob is there already. That may be so at the first attempt,
    // because a browser repeats a request by itself if a connection that it has used before is closed.
    if (answer.code === "UnauthorizedBlobOverwrite" || answer.code === "BlobAlreadyExists") {
      return;
    }
    const isTransient = answer.status === 0 || answer.status === 408 || answer.status === 429 || answer.status >= 500;
    if (!isTransient || attempt === SENDS) {
      throw answer.status === 0
        ? new NetworkError()
        : new ProblemError(answer.status, { code: answer.code, detail: `The storage service refused the file: ${answer.code || answer.status}.` });
    }
    onProgress(0);
    await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1), signal);
  }
}

/**
 * Sends one Put Blob request. XMLHttpRequest, because fetch does not report the progress of an upload.
 *
 * @param {UploadGrant} grant
 * @param {File} file
 * @param {(share: number) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<{status: number, code: string}>} The status is 0 if there was no answer.
 */
function put(grant, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", grant.url);
    for (const { name, value } of grant.headers) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded / Math.max(1, event.total)));
    request.addEventListener("load", () =>
      resolve({ status: request.status, code: request.getResponseHeader("x-ms-error-code") ?? "" }),
    );
    request.addEventListener("error", () => resolve({ status: 0, code: "" }));
    request.addEventListener("timeout", () => resolve({ status: 0, code: "" }));
    signal.addEventListener("abort", () => {
      request.abort();
      reject(new DOMException("aborted", "AbortError"));
    });
    request.send(file);
  });
}

/**
 * Waits until there is a record, asking less and less often.
 *
 * @param {Api} api
 * @param {string} statusUrl
 * @param {AbortSignal} signal
 * @returns {Promise<ImageRecord | null>} Null if there is none after a quarter of an hour.
 */
export async function waitForRecord(api, statusUrl, signal) {
  let interval = FIRST_POLL_MS;
  for (let waited = 0; waited < LONGEST_WAIT_MS; waited += interval) {
    await pause(interval, signal);
    try {
      const { pathname, search } = new URL(statusUrl, location.href);
      const record = await api.imageAt(`${pathname}${search}`, signal);
      if (record !== null) {
        return record;
      }
    } catch (error) {
      // A blob that was just created may not be visible to the API yet; without a network the next attempt may succeed.
      const isTransient = error instanceof NetworkError || (error instanceof ProblemError && error.status === 404);
      if (!isTransient) {
        throw error;
      }
    }
    interval = Math.min(LONGEST_POLL_MS, interval * POLL_FACTOR);
  }
  return null;
}

// The client of the HTTP API: tokens, problem documents (RFC 9457) and retries.

/** @import {Configuration, Count, ImageRecord, Item, Page, UploadGrant} from "./types.js" */

const RETRIES = 3;
const FIRST_PAUSE_MS = 500;

/** The API refused a request; `code` is stable, `message` is for people. */
export class ProblemError extends Error {
  /**
   * @param {number} status
   * @param {{type?: string, title?: string, detail?: string, code?: string}} problem
   */
  constructor(status, problem) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.name = "ProblemError";
    this.status = status;
    this.code = problem.code ?? "";
  }
}

/** The API cannot be reached. */
export class NetworkError extends Error {
  constructor() {
    super("The server cannot be reached. Check the network connection, and try again.");
    this.name = "NetworkError";
  }
}

/**
 * Waits.
 *
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}

export class Api {
  /** @param {() => Promise<string | null>} getToken Returns an access token, or null if nobody is signed in. */
  constructor(getToken) {
    this.getToken = getToken;
  }

  /**
   * Lists images: the newest first, or the best matches of `q`.
   *
   * @param {Record<string, string>} filters
   * @param {string | null} cursor
   * @param {number} limit
   * @param {AbortSignal} signal
   * @returns {Promise<Page>}
   */
  async list(filters, cursor, limit, signal) {
    const query = new URLSearchParams({ ...filters, limit: String(limit) });
    if (cursor !== null) {
      query.set("cursor", cursor);
    }
    return (await this.request("GET", `/api/images?${query}`, { signal })).json();
  }

  /** @returns {Promise<Count[]>} */
  async labels() {
    return (await (await this.request("GET", "/api/labels")).json()).items;
  }

  /** @returns {Promise<Count[]>} */
  async categories() {
    return (await (await this.request("GET", "/api/categories")).json()).items;
  }

  /**
   * @param {string} id
   * @param {AbortSignal} [signal]
   */
  image(id, signal) {
    return this.imageAt(`/api/images/${encodeURIComponent(id)}`, signal);
  }

  /**
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @returns {Promise<ImageRecord | null>} Null while the image is in flight.
   */
  async imageAt(path, signal) {
    const response = await this.request("GET", path, { signal });
    return response.status === 202 ? null : response.json();
  }

  /**
   * @param {string} id
   * @returns {Promise<string>} A URL from which the image can be read for some minutes.
   */
  async contentUrl(id) {
    return (await (await this.request("GET", `/api/images/${encodeURIComponent(id)}/content`)).json()).url;
  }

  /**
   * @param {string} id
   * @returns {Promise<Item[]>}
   */
  async similar(id) {
    return (await (await this.request("GET", `/api/images/${encodeURIComponent(id)}/similar`)).json()).items;
  }

  /** @param {string} id */
  async remove(id) {
    await this.request("DELETE", `/api/images/${encodeURIComponent(id)}`);
  }

  /**
   * @param {{name: string, contentType: string, sizeBytes: number}} file
   * @returns {Promise<UploadGrant>}
   */
  async grantUpload(file) {
    const body = JSON.stringify({ ...file, onConflict: "suffix" });
    return (await this.request("POST", "/api/uploads", { body })).json();
  }

  /**
   * Sends a request. Errors of the network, 429 and 5xx are retried, as no request here does harm when repeated.
   *
   * @param {string} method
   * @param {string} path
   * @param {{headers?: Record<string, string>, body?: string, signal?: AbortSignal}} [options]
   * @returns {Promise<Response>}
   */
  async request(method, path, { headers = {}, body, signal } = {}) {
    for (let attempt = 0; ; attempt += 1) {
      const token = await this.getToken();
      /** @type {Record<string, string>} */
      const all = { Accept: "application/json", ...headers };
      if (token !== null) {
        all.Authorization = `Bearer ${token}`;
      }
      if (body !== undefined) {
        all["Content-Type"] = "application/json";
      }
      let response = null;
      try {
        response = await fetch(path, { method, headers: all, body, signal, cache: "no-store" });
      } catch (error) {
        if (signal?.aborted) {
          throw error;
        }
      }
      if (response !== null && (response.ok || response.status === 304)) {
        return response;
      }
      const isTransient = response === null || response.status === 429 || response.status >= 500;
      if (!isTransient || attempt === RETRIES) {
        throw response === null ? new NetworkError() : await problemOf(response);
      }
      const seconds = Number(response?.headers.get("Retry-After") ?? 0);
      await pause(Math.max(seconds * 1000, FIRST_PAUSE_MS * 2 ** attempt), signal);
    }
  }
}

/**
 * @param {Response} response
 * @returns {Promise<ProblemError>}
 */
async function problemOf(response) {
  if (response.status === 401) {
    return new ProblemError(401, { detail: "Your session has ended. Sign in again." });
  }
  try {
    return new ProblemError(response.status, await response.json());
  } catch {
    return new ProblemError(response.status, {});
  }
}

/** @returns {Promise<Configuration>} */
export async function loadConfiguration() {
  const anonymous = new Api(async () => null);
  return (await anonymous.request("GET", "/api/configuration")).json();
}

// The page: who is signed in, the list that the address names, and the image that is open over it.

/** @import {Count, ImageRecord, Tile} from "./types.js" */
/** @import {Filters} from "./filters.js" */

import { Api, loadConfiguration, ProblemError } from "./api.js";
import { announce, byId, element, icon } from "./elements.js";
import { address, emptyIcon, filterChips, filterControls, readFilters, toQuery } from "./filters.js";
import { Grid } from "./grid.js";
import { Session } from "./session.js";
import { countText } from "./texts.js";
import { Uploads } from "./uploads.js";
import { Viewer } from "./viewer.js";

const main = byId("results");
const searchForm = /** @type {HTMLFormElement} */ (byId("search-form"));
const searchInput = /** @type {HTMLInputElement} */ (byId("search"));

class Application {
  /**
   * @param {import("./types.js").Configuration} configuration
   * @param {Session} session
   */
  constructor(configuration, session) {
    this.session = session;
    this.api = new Api(() => session.token());
    /** @type {{labels: Count[], categories: Count[]}} */
    this.counts = { labels: [], categories: [] };
    /** @type {Filters} */
    this.filters = {};
    /** @type {Grid | null} */
    this.grid = null;
    this.count = element("p", { class: "muted" });
    this.filterPlace = element("div");
    this.showsFilters = false;
    this.uploads = session.mayUpload
      ? new Uploads({
          api: this.api,
          limits: configuration.limits,
          onRecord: (record) => this.showNew(record),
          onOpen: (id) => this.open(id),
        })
      : null;
    this.viewer = new Viewer({
      api: this.api,
      mayDelete: session.mayDelete,
      hasSimilarity: configuration.features.includes("embeddings"),
      onStep: (step) => this.step(step),
      onFilter: (filters) => this.apply(filters),
      onOpen: (id) => this.open(id),
      onDeleted: (id) => this.removed(id),
      onClose: () => this.closed(),
    });
  }

  start() {
    this.drawAccount();
    searchForm.hidden = false;
    searchForm.addEventListener("submit", (event) => {
      event.preventDefault();
      this.apply({ ...this.filters, q: searchInput.value.trim(), sort: "" });
    });
    searchInput.addEventListener("search", () => {
      if (searchInput.value === "" && this.filters.q) {
        this.apply({ ...this.filters, q: "" });
      }
    });
    addEventListener("popstate", () => this.route(true));
    byIdAction("home", () => this.apply({}));
    this.route(true);
    void this.loadCounts();
  }

  async loadCounts() {
    const [labels, categories] = await Promise.all([this.api.labels().catch(() => []), this.api.categories().catch(() => [])]);
    this.counts = { labels, categories };
    this.drawFilters();
  }

  /** @param {boolean} isList Whether the list may have changed too. */
  route(isList) {
    const image = new URLSearchParams(location.search).get("image");
    if (isList) {
      this.filters = readFilters(location.search);
      searchInput.value = this.filters.q ?? "";
      this.drawList();
    }
    if (image === null) {
      this.viewer.close();
    } else {
      void this.viewer.show(image);
    }
  }

  /** @param {Filters} filters */
  apply(filters) {
    history.pushState(null, "", address(filters));
    this.route(true);
    scrollTo({ top: 0 });
  }

  /** @param {string} id */
  open(id) {
    const isOpen = new URLSearchParams(location.search).has("image");
    const target = address(this.filters, id);
    if (isOpen) {
      history.replaceState(null, "", target);
    } else {
      history.pushState(null, "", target);
    }
    this.route(false);
  }

  /** @param {string} id */
  removed(id) {
    this.grid?.remove(id);
    main.focus({ preventScroll: true });
    announce("The image was deleted");
    void this.loadCounts();
  }

  closed() {
    if (new URLSearchParams(location.search).has("image")) {
      history.pushState(null, "", address(this.filters));
    }
  }

  /** @param {number} step */
  step(step) {
    const neighbor = this.grid?.neighbor(this.viewer.id, step);
    if (neighbor !== undefined) {
      this.open(neighbor.id);
    }
  }

  drawAccount() {
    const upload = this.uploads;
    byId("account").replaceChildren(
      ...(upload === null
        ? []
        : [
            element(
              "button",
              { class: "button button-primary button-upload", type: "button", onclick: () => upload.choose() },
              icon("upload"),
              element("span", {}, "Upload"),
            ),
          ]),
      element("span", { class: "account small muted" }, this.session.name),
      element("button", { class: "button button-quiet", type: "button", onclick: () => this.session.signOut() }, "Sign out"),
    );
  }

  drawFilters() {
    const apply = (/** @type {Filters} */ filters) => this.apply(filters);
    const focused = document.activeElement?.id ?? "";
    const controls = filterControls(this.filters, this.counts, apply);
    // On a narrow screen the filters are folded away; the style sheet decides.
    const toggle = element("button", { class: "button filter-toggle", type: "button", "aria-expanded": String(this.showsFilters) }, "Filters");
    toggle.addEventListener("click", () => {
      this.showsFilters = !this.showsFilters;
      toggle.setAttribute("aria-expanded", String(this.showsFilters));
    });
    this.filterPlace.replaceChildren(
      toggle,
      controls,
      element("div", { class: "filter-status" }, this.count, filterChips(this.filters, apply)),
    );
    if (focused.startsWith("filter-")) {
      document.getElementById(focused)?.focus();
    }
  }

  drawList() {
    this.grid?.stop();
    if (!this.session.mayRead) {
      this.grid = null;
      main.replaceChildren(state("account", "You may not see images yet", "Your account has no role for this library. Ask an administrator for the role Images.Read."));
      return;
    }
    const query = toQuery(this.filters);
    const grid = new Grid({
      load: (cursor, limit, signal) => this.api.list(query, cursor, limit, signal),
      addressOf: (item) => address(this.filters, item.id),
      onOpen: (id) => this.open(id),
      onError: (error) => this.drawError(error),
      onCount: (count, complete) => this.drawCount(count, complete),
    });
    this.grid = grid;
    this.count.textContent = "";
    this.drawFilters();
    main.replaceChildren(element("h1", { class: "visually-hidden" }, "Images"), this.filterPlace, grid.root);
    grid.start();
  }

  /**
   * @param {number} count
   * @param {boolean} complete
   */
  drawCount(count, complete) {
    this.count.textContent = count === 0 ? "" : countText(count, complete);
    const empty = main.querySelector(".state");
    if (count === 0 && complete && empty === null) {
      this.grid?.root.after(this.emptyState());
    } else if (count > 0) {
      empty?.remove();
    }
  }

  emptyState() {
    if (Object.keys(this.filters).some((name) => name !== "sort")) {
      const clear = element("button", { class: "button", type: "button", onclick: () => this.apply({}) }, "Show all images");
      return state("search", "Nothing fits", "No image matches these words and filters. Try other words, or fewer filters.", clear);
    }
    const upload = this.uploads;
    if (upload === null) {
      return state("image", "No images yet", "Images appear here when somebody uploads them.");
    }
    const button = element("button", { class: "button button-primary", type: "button", onclick: () => upload.choose() }, icon("upload"), "Upload images");
    return state("image", "No images yet", "Drop photos anywhere on this page, or choose some. What is found in them appears by itself.", button);
  }

  /** @param {unknown} error */
  drawError(error) {
    if (error instanceof ProblemError && error.status === 401) {
      const signIn = element("button", { class: "button button-primary", type: "button", onclick: () => this.session.signIn() }, "Sign in");
      main.replaceChildren(state("account", "You were signed out", error.message, signIn));
      return;
    }
    const retry = element("button", { class: "button button-primary", type: "button", onclick: () => this.drawList() }, "Try again");
    const failure = state("warning", "The images cannot be shown", error instanceof Error ? error.message : String(error), retry);
    failure.setAttribute("role", "alert");
    main.replaceChildren(this.filterPlace, failure);
  }

  /** @param {ImageRecord} record */
  showNew(record) {
    void this.loadCounts();
    if (Object.keys(this.filters).length > 0) {
      return;
    }
    /** @type {Omit<Tile, "contentUrl">} */
    const item = {
      id: record.id,
      name: record.blob.name,
      status: record.status,
      caption: record.caption?.text ?? null,
      category: record.category,
      labels: (record.tags ?? []).filter((tag) => record.labels.includes(tag.name)),
      reason: record.reason,
      image: record.image,
      processedAt: record.processedAt,
      matches: [],
    };
    void this.api
      .contentUrl(record.id)
      .catch(() => null)
      .then((contentUrl) => this.grid?.putFirst({ ...item, contentUrl }));
  }
}

/**
 * @param {"search" | "image" | "warning" | "account"} art
 * @param {string} title
 * @param {string} text
 * @param {...Node} actions
 */
function state(art, title, text, ...actions) {
  return element(
    "section",
    { class: "state" },
    art === "search" ? emptyIcon() : icon(art, "state-art"),
    element("h1", {}, title),
    element("p", { class: "muted" }, text),
    actions.length > 0 ? element("div", { class: "state-actions" }, ...actions) : null,
  );
}

/**
 * @param {string} action
 * @param {() => void} perform
 */
function byIdAction(action, perform) {
  document.querySelector(`[data-action="${action}"]`)?.addEventListener("click", (event) => {
    event.preventDefault();
    perform();
  });
}

/**
 * @param {"upload" | "image" | "search"} art
 * @param {string} title
 * @param {string} text
 */
function step(art, title, text) {
  return element("li", { class: "step" }, icon(art), element("h2", {}, title), element("p", { class: "muted small" }, text));
}

/** @param {Session} session */
function drawLanding(session) {
  const button = element("button", { class: "button button-primary", type: "button", onclick: () => session.signIn() }, "Sign in");
  const landing = state("image", "See what is in your images", "Every photo gets a caption, tags, and the text that is in it, so that you find it again.", button);
  landing.classList.add("landing");
  landing.append(
    element(
      "ul",
      { class: "steps" },
      step("upload", "Upload", "Drop photos, choose files, or take a picture."),
      step("image", "See", "Objects, people and text are marked in the image."),
      step("search", "Find", "Search by words, and filter by what was found."),
    ),
  );
  byId("account").replaceChildren();
  searchForm.hidden = true;
  main.replaceChildren(landing);
}

async function start() {
  const configuration = await loadConfiguration();
  const session = new Session(configuration);
  const target = await session.restore();
  if (target !== null) {
    history.replaceState(null, "", target);
  }
  if (session.isSignedIn) {
    new Application(configuration, session).start();
  } else {
    drawLanding(session);
  }
}

start().catch((error) => {
  const retry = element("button", { class: "button button-primary", type: "button", onclick: () => location.assign("/") }, "Try again");
  const failure = state("warning", "The page cannot start", error instanceof Error ? error.message : String(error), retry);
  failure.setAttribute("role", "alert");
  main.replaceChildren(failure);
});

// Sign-in with Entra ID: authorization code with PKCE, without a secret. Tokens are kept in the session storage of the
// tab, and are gone when it is closed.

/** @import {User} from "oidc-client-ts" */
/** @import {Configuration} from "./types.js" */

const READ = "Images.Read";
const UPLOAD = "Images.Upload";
const DELETE = "Images.Delete";

export class Session {
  /** @param {Configuration} configuration */
  constructor(configuration) {
    const { UserManager, WebStorageStateStore } = globalThis.oidc;
    const here = new URL("/", location.href).href;
    this.manager = new UserManager({
      authority: `${configuration.authority}/v2.0`,
      client_id: configuration.clientId,
      redirect_uri: here,
      post_logout_redirect_uri: here,
      scope: `openid profile offline_access ${configuration.scope}`,
      response_type: "code",
      automaticSilentRenew: false,
      userStore: new WebStorageStateStore({ store: sessionStorage }),
      stateStore: new WebStorageStateStore({ store: sessionStorage }),
    });
    /** @type {User | null} */
    this.user = null;
    /** @type {Set<string>} */
    this.roles = new Set();
    /** @type {Promise<void> | null} */
    this.renewal = null;
  }

  /**
   * Completes a sign-in that has just come back from Entra ID, or restores the one of this tab.
   *
   * @returns {Promise<string | null>} The path to go back to after a sign-in, or null.
   */
  async restore() {
    const query = new URLSearchParams(location.search);
    if (query.has("state") && (query.has("code") || query.has("error"))) {
      const user = await this.manager.signinRedirectCallback();
      this.use(user);
      return typeof user.state === "string" && user.state.startsWith("/") ? user.state : "/";
    }
    this.use(await this.manager.getUser());
    return null;
  }

  /** @param {User | null} user */
  use(user) {
    this.user = user;
    this.roles = new Set(user === null ? [] : rolesOf(user.access_token));
  }

  get isSignedIn() {
    return this.user !== null;
  }

  /** The name to show for who is signed in. */
  get name() {
    return String(this.user?.profile?.name ?? this.user?.profile?.preferred_username ?? "");
  }

  get mayRead() {
    return this.roles.has(READ);
  }

  get mayUpload() {
    return this.roles.has(UPLOAD);
  }

  get mayDelete() {
    return this.roles.has(DELETE);
  }

  /** Goes to the sign-in page, and comes back to this address. */
  async signIn() {
    await this.manager.signinRedirect({ state: `${location.pathname}${location.search}` });
  }

  async signOut() {
    await this.manager.signoutRedirect();
  }

  /**
   * @returns {Promise<string | null>} An access token that is valid for at least a minute; null if nobody is signed in
   *   any more.
   */
  async token() {
    if (this.user === null) {
      return null;
    }
    if ((this.user.expires_in ?? 0) < 60) {
      this.renewal ??= this.renew().finally(() => {
        this.renewal = null;
      });
      await this.renewal;
    }
    return this.user?.access_token ?? null;
  }

  async renew() {
    try {
      this.use(await this.manager.signinSilent());
    } catch {
      this.use(null);
      await this.manager.removeUser();
    }
  }
}

/**
 * Returns the app roles in an access token. They only decide what the page shows; the API checks the token.
 *
 * @param {string} token
 * @returns {string[]}
 */
function rolesOf(token) {
  try {
    const [, claims = ""] = token.split(".");
    const payload = claims.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const { roles } = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(roles) ? roles.map(String) : [];
  } catch {
    return [];
  }
}

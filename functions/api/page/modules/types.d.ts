// Names of this page for the types of the API; they are generated from docs/openapi.json (checks/page_modules.py).

import type { components } from "image-api";

type Schemas = components["schemas"];

export type Box = Schemas["BoundingBox"];
export type Configuration = Schemas["ClientConfiguration"];
export type Count = Schemas["Count"];
export type ImageRecord = Schemas["ImageRecord"];
/** One image of a list. */
export type Item = Schemas["ImageItem"];
/** An image of the grid. */
export type Tile = Omit<Item, "contentUrl"> & { contentUrl: string | null };
/** Why an image is among the results of a search. */
export type Match = Schemas["ImageMatch"];
export type Page = Schemas["ImageList"];
export type Reason = Schemas["Reason"];
/** The right to create one blob. */
export type UploadGrant = Schemas["Upload"];

declare global {
  /** The vendored library for sign-in, a classic script. */
  var oidc: typeof import("oidc-client-ts");
}

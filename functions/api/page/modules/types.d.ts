// The types of what the API answers; docs/openapi.json is their source.

export interface Configuration {
  authority: string;
  clientId: string;
  scope: string;
  limits: { maxBytes: number; minSide: number; maxSide: number; formats: string[] };
  features: string[];
}

export interface Tag {
  name: string;
  confidence: number | null;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Reason {
  code: string;
  sentence: string;
}

/** Why an image is among the results of a search. */
export interface Match {
  kind: "label" | "caption" | "text" | "meaning";
  text: string;
  score: number | null;
}

export type Status = "classified" | "rejected" | "failed";

/** One image of a list. */
export interface Item {
  id: string;
  name: string;
  status: Status;
  caption: string | null;
  category: Tag | null;
  labels: Tag[];
  reason: Reason | null;
  contentUrl: string | null;
  processedAt: string;
  matches?: Match[];
}

export interface Page {
  items: Item[];
  cursor: string | null;
}

export interface Count {
  name: string;
  count: number;
}

export interface ImageRecord {
  id: string;
  status: Status;
  reason: Reason | null;
  blob: { name: string; contentType: string | null; sizeBytes: number | null; createdAt: string | null };
  image: { width: number; height: number; format: string } | null;
  labels: string[];
  category: Tag | null;
  tags: Tag[] | null;
  caption: { text: string; confidence: number | null } | null;
  denseCaptions: { text: string; confidence: number | null; box: Box }[] | null;
  objects: { name: string; confidence: number | null; box: Box }[] | null;
  people: { confidence: number | null; box: Box }[] | null;
  read: { text: string; polygon: { x: number; y: number }[] }[] | null;
  smartCrops: { aspectRatio: number; box: Box }[] | null;
  analyzer: { name: string | null; modelVersion: string | null; cached: boolean } | null;
  processedAt: string;
}

/** The right to create one blob. */
export interface UploadGrant {
  id: string;
  name: string;
  url: string;
  headers: { name: string; value: string }[];
  /** Where the record will be; the API knows by it whether the image is still in flight. */
  statusUrl: string;
}

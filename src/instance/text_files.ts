import { STORAGES } from "#storages";
import type { TextFiles } from "./storage_opener.ts";
import { unavailable } from "./url_errors.ts";

/** Files, or `BackendUnavailable` where there are none. */
export async function textFiles(): Promise<TextFiles> {
  if (STORAGES.textFiles === undefined) throw unavailable("memory");
  return await STORAGES.textFiles();
}

import { docCrdt } from "../../crdt/crdt.ts";
import type { Doc } from "../../crdt/doc.ts";
import { docPieces } from "../../crdt/doc_pieces.ts";
import { completion } from "../../crdt/staging.ts";
import type { StateType } from "./state_cache.ts";

/** Plain documents: the payloads of DocStore, Table, settings and registry. */
export const docState: StateType<Doc> = {
  ...docCrdt,
  name: "doc",
  completion,
  checkpoint: { version: 1, pieces: docPieces },
};

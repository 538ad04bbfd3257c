import type { Scope, Suite } from "../case.ts";
import { coldReads } from "./cold_read.ts";
import { daemon } from "./daemon.ts";
import { dispatch } from "./dispatch.ts";
import { engines } from "./engines.ts";
import { ingestion } from "./ingest.ts";
import { primitives } from "./primitives.ts";
import { againstFloor, concurrent, growingHistory } from "./put_entry.ts";
import { reference } from "./reference.ts";
import { size } from "./size.ts";
import { state } from "./state.ts";
import { storage } from "./storage.ts";
import { syncIroh } from "./sync_iroh.ts";
import { syncLive } from "./sync_live.ts";
import { syncV0 } from "./sync_v0.ts";
import { syncV0Json } from "./sync_v0_json.ts";

/** All benchmarks; a new file of workloads becomes one more suite here. */
export const SUITES: readonly ((scope: Scope) => Suite)[] = [
  primitives,
  engines,
  againstFloor,
  growingHistory,
  concurrent,
  dispatch,
  state,
  coldReads,
  storage,
  ingestion,
  daemon,
  syncV0,
  syncLive,
  syncIroh,
  syncV0Json,
  size,
  reference,
];

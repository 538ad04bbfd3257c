import assert from "node:assert/strict";
import { it } from "node:test";
import { setLogSink } from "../../mod.ts";
import { LookLog } from "../../src/storage/shared/look_log.ts";

it("looks that begin to fail are told to the log, once until one works again", () => {
  const told: unknown[] = [];
  setLogSink((level, category, _template, fields) => told.push([level, category, fields.error]));
  try {
    const log = new LookLog("file");
    for (const step of ["a", "b", undefined, "c"]) step ? log.failed(step) : log.worked();
  } finally {
    setLogSink(undefined);
  }
  assert.deepEqual(told, [["warn", "storage", "a"], ["warn", "storage", "c"]]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { InstanceError } from "../../src/util/errors.ts";
import { loadPart } from "../../src/util/load_part.ts";

test("a part that cannot be loaded is told as what could not be done, and can be asked for again", async () => {
  const cause = new TypeError("Failed to fetch dynamically imported module");
  const answers = [() => Promise.reject(cause), () => Promise.resolve({ answer: 42 })];
  const load = () => loadPart("open a snapshot", answers.shift()!);
  await assert.rejects(load(), (error) => {
    assert.ok(error instanceof InstanceError);
    assert.equal(error.code, "PartNotLoaded");
    assert.match(error.message, /^Cannot open a snapshot: .* try again$/);
    assert.equal(error.cause, cause);
    return true;
  });
  assert.deepEqual(await load(), { answer: 42 });
});

/** Messages of errors say the action that failed: they begin with "Cannot" (00 §C1), or as the reference's do. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../../src/", import.meta.url));

/** A message that stands in a constructor of an error, or is made just before it. */
const MESSAGE = /(?:new \w+Error\(\s*"\w+",|(?:const|let) message =)\s*["`]([^"`]*)/g;

/** Halves of messages: others begin them with what failed. Native sessions tell these to the other side, and usage errors go
 * on after "error: " as the reference's do. */
const CONTINUED =
  /^(cli\/frame\/word_reader|instance\/storages|storage\/shared\/paths|sync\/native\/\w+)\.ts$/;

/** Texts that peers, vectors or chapters fix: what answers a request, and what the reference says likewise. */
const FIXED = [
  /^Authentication (failed|required)/,
  /^Backend at .* is (not|already) initialised/,
  /^Bootstrap request not found/,
  /^Entry validation failed: /,
  /^Failed to connect to PostgreSQL at /,
  /^Handshake failed: /,
  /^Insufficient permission for request /,
  /^Invalid (ID format|address|key name|request state)/,
  /^Key not found: /,
  /^Peer (already exists|not found): /,
  /^Permission denied: /,
  /^Protocol version mismatch: /,
  /^Request not found: /,
  /^Synchronisation failed: /,
  /^Transport type mismatch: /,
  /^Tree not found: /,
];

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") && !CONTINUED.test(path));
}

/** Whether a text says what could not be done. */
function saysAction(message: string): boolean {
  return message.startsWith("Cannot ") || FIXED.some((fixed) => fixed.test(message));
}

describe("messages of errors", () => {
  it("say the action that failed", () => {
    let count = 0;
    const mute: string[] = [];
    for (const path of sources()) {
      const text = readFileSync(`${SRC}${path}`, "utf8").replace(/^\s*(\*|\/\/).*$/gm, "");
      for (const [, message] of text.matchAll(MESSAGE)) {
        count++;
        if (!saysAction(message!)) mute.push(`${path}: ${message}`);
      }
    }
    assert.deepEqual(mute, []);
    assert.ok(count > 150, `only ${count} messages were found`);
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { ready } from "../../wasm/mod.ts";
import {
  encodeRequest,
  encodeResponse,
  type ReceivedRequest,
  type ReceivedResponse,
  requestReader,
  responseReader,
  streamRequest,
  streamResponse,
  type SyncRequest,
  type SyncResponse,
} from "./parts.ts";
import { fromUtf8 } from "../../src/util/bytes.ts";
import { SyncError } from "../../src/util/errors.ts";
import { bytesOf, vector } from "./wire_bed.ts";

interface ReadCase {
  readonly kind: "request" | "response";
  readonly name: string;
  readonly text?: string;
  readonly hex?: string;
  readonly same?: boolean;
  readonly ok?: string;
  readonly error?: { readonly class: string; readonly http: number };
}

const messages = vector<{
  readonly written: readonly { readonly kind: string; readonly name: string; text: string }[];
  readonly read: readonly ReadCase[];
}>("sync-messages.json");

/** Entries that the reference takes and this project does not (00 §B4, §B5); the message stands. */
const REFUSED_ENTRIES = new Set([
  ...["tree.h", "subtree h"].flatMap((height) => [
    `entry ${height} 9007199254740993`,
    `entry ${height} 18446744073709551615`,
  ]),
  "entry tree.root empty text on a root",
  "entry parents unsorted with duplicates stay as sent",
  "subtree name repeated",
  "subtree name empty", // beside another one, not sorted
]);

/** HTTP status of each fault (09 §12.1). */
const STATUS = { syntax: 400, shape: 422, size: 413 };

/** What came of a text: the text it is written back as, a count of refused entries, or a status. */
function verdictOn(one: ReadCase, pieceBytes: number): string | number | { refused: number } {
  const reader = one.kind === "request" ? requestReader() : responseReader();
  const bytes = bytesOf(one);
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      reader.push(bytes.slice(at, at + pieceBytes));
    }
    const message = reader.end();
    return reader.refused > 0 ? { refused: reader.refused } : rewritten(one, message);
  } catch (error) {
    assert.ok(error instanceof SyncError && error.code === "SerializationError", String(error));
    return STATUS[error.fields.fault as keyof typeof STATUS];
  }
}

function rewritten(one: ReadCase, message: ReceivedRequest | ReceivedResponse): string {
  return fromUtf8(
    one.kind === "request"
      ? encodeRequest(message as ReceivedRequest)
      : encodeResponse(message as SyncResponse<never, never>),
  );
}

/** Members of a document come in no defined order. */
function sameJson(actual: unknown, wanted: string, name: string): void {
  if (actual === wanted) return;
  assert.equal(typeof actual, "string", name);
  assert.deepEqual(JSON.parse(actual as string), JSON.parse(wanted), name);
}

function judge(one: ReadCase, pieceBytes: number): void {
  const verdict = verdictOn(one, pieceBytes);
  if (REFUSED_ENTRIES.has(one.name)) assert.deepEqual(verdict, { refused: 1 }, one.name);
  else if (one.error !== undefined) assert.equal(verdict, one.error.http, one.name);
  else sameJson(verdict, one.same === true ? one.text! : one.ok!, one.name);
}

async function collected(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of pieces) text += fromUtf8(piece);
  return text;
}

before(async () => {
  await ready();
});

describe("recorded sync messages", () => {
  it("all of them are there", () => {
    assert.deepEqual([messages.written.length, messages.read.length], [41, 523]);
    const names = new Set(messages.read.map(({ name }) => name));
    for (const name of REFUSED_ENTRIES) assert.ok(names.has(name), name);
  });

  it("09#1,#2,#3,#5 each written message is read, and written again letter by letter", async () => {
    for (const { kind, name, text } of messages.written) {
      if (kind === "request") {
        const reader = requestReader();
        reader.push(bytesOf({ text }));
        const message = reader.end() as SyncRequest;
        assert.equal(await collected(streamRequest(message)), text, name);
      } else {
        const reader = responseReader();
        reader.push(bytesOf({ text }));
        const message = reader.end() as SyncResponse;
        assert.equal(await collected(streamResponse(message)), text, name);
      }
    }
  });

  it("09#3,#4,#5 each text gets the verdict of the reference, when it comes at once", () => {
    for (const one of messages.read) judge(one, 1 << 20);
  });

  it("09#4 and the same verdict in pieces, down to single bytes", () => {
    for (const one of messages.read) judge(one, 1);
    for (const one of messages.read) judge(one, 97);
  });
});

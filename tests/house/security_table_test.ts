/** The table of docs/security.md cannot rot: its tests and its limits are there. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { MAX_CLAIMED_TIPS, MAX_DELEGATION_STEPS } from "../../src/auth/resolve.ts";
import { BACKLOG_LIMITS } from "../../src/backend/backlog/limits.ts";
import { MAX_PASS } from "../../src/database/verifier.ts";
import * as entry from "../../src/entry/constants.ts";
import { MAX_SIG_BYTES } from "../../src/entry/entry_codec.ts";
import { MAX_FRAME_BYTES } from "../../src/service/protocol/frames.ts";
import {
  MAX_CONNECTIONS,
  MAX_SESSION_KEYS,
  MAX_UNREAD_BYTES,
} from "../../src/service/server/limits.ts";
import * as sync from "../../src/sync/access/limits.ts";
import { MAX_METERED, VERIFY_BURST_MS, VERIFY_SHARE } from "../../src/sync/access/verify_time.ts";
import {
  MAX_POST_COMPARISONS,
  MAX_POST_TREES,
  POST_ANSWER_BYTES,
} from "../../src/sync/native/host/post_answer.ts";
import * as streams from "../../src/sync/native/host/event_streams.ts";
import { MAX_NAMED_TREES } from "../../src/sync/native/host/tips_feed.ts";
import {
  MAX_IROH_CONNECTIONS,
  MAX_IROH_CONNECTIONS_EACH,
  MAX_IROH_REQUESTS,
  MAX_IROH_REQUESTS_EACH,
} from "../../src/transport/edge/iroh_server.ts";
import { MAX_IROH_BYTES } from "../../src/transport/edge/iroh_v0.ts";
import { MAX_WAITING_BYTES } from "../../src/transport/incoming.ts";
import { PORT_WINDOW_BYTES } from "../../src/transport/message_port_link.ts";
import { MAX_PORT_LINKS } from "../../src/transport/message_port_transport.ts";
import { MAX_BUFFERED_BYTES, MAX_MESSAGE_BYTES } from "../../src/transport/web_socket_link.ts";
import { MAX_TICKET_LENGTH } from "../../src/sync/ticket.ts";
import { MAX_COSTS } from "../../src/store/password_config.ts";
import { MAX_JSON_DEPTH } from "../../src/util/json_reader.ts";

const page = read("docs/security.md");

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

/** The cells of the table under a heading, without its head. */
function rows(heading: string): string[][] {
  const section = page.split(`## ${heading}\n`)[1]!.split("\n## ")[0]!;
  const lines = section.split("\n").filter((line) => line.startsWith("|")).slice(2);
  return lines.map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()));
}

describe("docs/security.md", () => {
  it("names tests that exist, one at least for each hole", () => {
    const table = rows("Holes, rules, tests");
    assert.ok(table.length >= 30);
    for (const [hole, rule, test] of table) {
      const [, file, name] = /^`([^`]+)` "(.+)"$/.exec(test!) ?? [];
      assert.ok(hole && rule && file && name, `a line names no test: ${test}`);
      const source = read(`tests/${file}`).replaceAll('\\"', '"');
      assert.ok(source.includes(`"${name}"`) || source.includes(`\`${name}`), `${file}: ${name}`);
    }
  });

  it("tells the limits as they are", () => {
    const all: Readonly<Record<string, number>> = {
      ...entry as unknown as Record<string, number>,
      ...sync,
      ...streams as unknown as Record<string, number>,
      MAX_NAMED_TREES,
      MAX_FRAME_BYTES,
      MAX_UNREAD_BYTES,
      MAX_CONNECTIONS,
      MAX_SESSION_KEYS,
      VERIFY_SHARE,
      VERIFY_BURST_MS,
      MAX_METERED,
      MAX_TICKET_LENGTH,
      MAX_WAITING_BYTES,
      MAX_IROH_BYTES,
      MAX_IROH_CONNECTIONS,
      MAX_IROH_CONNECTIONS_EACH,
      MAX_IROH_REQUESTS,
      MAX_IROH_REQUESTS_EACH,
      MAX_MESSAGE_BYTES,
      MAX_BUFFERED_BYTES,
      PORT_WINDOW_BYTES,
      MAX_POST_COMPARISONS,
      MAX_POST_TREES,
      POST_ANSWER_BYTES,
      MAX_PORT_LINKS,
      MAX_CLAIMED_TIPS,
      MAX_DELEGATION_STEPS,
      MAX_PASS,
      MAX_SIG_BYTES,
      MAX_JSON_DEPTH,
      ...Object.fromEntries(
        Object.entries(BACKLOG_LIMITS).map(([key, value]) => [`BACKLOG_LIMITS.${key}`, value]),
      ),
    };
    for (const [, names, values] of rows("What a stranger can send: limits")) {
      if (names === "exactly" || names === "`MAX_COSTS`") continue;
      const given = values!.split(/, (?=\d)/).map(numberOf);
      assert.deepEqual(names!.split(", ").map((name) => all[name.slice(1, -1)]), given, names);
    }
    assert.deepEqual(MAX_COSTS, { memoryKiB: 256 * 1024, iterations: 16, parallelism: 16 });
  });
});

/** `4,096`, `16 MiB` or `2^53 − 1` as a number. */
function numberOf(text: string): number {
  const power = /^2\^(\d+)( − 1)?$/.exec(text);
  if (power !== null) return 2 ** Number(power[1]) - (power[2] === undefined ? 0 : 1);
  const [number, unit] = text.replaceAll(",", "").split(" ");
  return Number(number) * (unit === "MiB" ? 1024 * 1024 : 1);
}

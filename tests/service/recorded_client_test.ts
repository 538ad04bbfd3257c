import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { Entry, ID, Instance } from "../../mod.ts";
import { ServiceServer } from "../../src/service/server/server.ts";
import { type RandomSource, systemRandom } from "../../src/util/random.ts";
import { ready } from "../../wasm/mod.ts";
import { NODE, Session } from "./replay.ts";
import { type ClientCase, clientCases } from "./vector_frames.ts";

/** Bytes of a challenge. */
const CHALLENGE = /"challenge":\[([0-9,]+)\]/;

/** Gives the challenges that were recorded, so that the recorded signatures are right. */
class RecordedChallenges implements RandomSource {
  readonly #challenges = clientCases.flatMap(({ frames }) => frames)
    .flatMap(([way, text]) => way === "<" ? CHALLENGE.exec(text)?.[1] ?? [] : []);

  bytes(length: number): Uint8Array {
    if (length !== 32) return systemRandom.bytes(length);
    return Uint8Array.from(this.#challenges.shift()!.split(",").map(Number));
  }
}

/** What somebody else has committed, which was read afterwards. */
async function commit(
  instance: Instance,
  { root_id, post_tips }: { readonly root_id: string; readonly post_tips: readonly string[] },
  frames: ClientCase["frames"],
): Promise<void> {
  const entries = frames.filter(([, text]) => text.startsWith('{"Response":{"Entry":'))
    .map(([, text]) => Entry.fromJSON(text.slice('{"Response":{"Entry":'.length, -2)));
  const written = entries.find(({ id }) => post_tips.includes(`${id}`))!;
  await instance.putRemoteEntries(ID.parse(root_id), [written]);
}

/** What the reference's client gets from this server in place of what it got then. */
async function answersTo(
  { frames }: ClientCase,
  { instance, server }: { readonly instance: Instance; readonly server: ServiceServer },
): Promise<{ wanted: string[]; got: string[] }> {
  const sessions = new Map<number, Session>();
  const wanted: string[] = [];
  const got: string[] = [];
  for (const [way, text, number = 0] of frames) {
    if (way === "<") {
      wanted.push(`${number} ${text}`);
      if (!text.startsWith('{"Notification"') || got.includes(wanted.at(-1)!)) continue;
      await commit(instance, JSON.parse(text).Notification.DatabaseWrite, frames);
      got.push(...(await sessions.get(number)!.take()).frames.map((it) => `${number} ${it}`));
      continue;
    }
    const session = sessions.get(number) ?? new Session(server);
    sessions.set(number, session);
    session.sendText(text);
    for (const [at, one] of sessions) {
      got.push(...(await one.take()).frames.map((it) => `${at} ${it}`));
    }
  }
  for (const session of sessions.values()) server.lost(session.connection);
  return { wanted, got };
}

/** A cache may forget, and the reference's keeps what its own gate has read: a state is there, or is not. */
function withoutStates(text: string): string {
  return text.replace(/("CachedCrdtState":)(null|\[[0-9,]*\])/, "$1…");
}

describe("the reference's own client at work (service-client.json)", () => {
  let instance: Instance;
  let server: ServiceServer;
  before(async () => {
    await ready();
    const random = new RecordedChallenges();
    instance = await Instance.fromSnapshotText(readFileSync(NODE, "utf8"), { random });
    server = await ServiceServer.of(instance.host);
  });
  after(() => instance.close());
  for (const one of clientCases) {
    it(`${one.what}: ${one.frames.length} frames`, async () => {
      const { wanted, got } = await answersTo(one, { instance, server });
      assert.deepEqual(got.map(withoutStates), wanted.map(withoutStates));
    });
  }
});

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "../helpers/fast_check.ts";
import { encodeFrame } from "../../src/service/protocol/frames.ts";
import { concat, utf8 } from "../../src/util/bytes.ts";
import { Replay } from "./replay.ts";
import { scenarios, sentBy, type Step } from "./vector_frames.ts";

const HANDSHAKE = '{"protocol_version":0}';

/** What raw clients have sent after the handshake, whatever it was answered with. */
const texts: readonly string[] = [
  ...new Set(
    scenarios.filter(({ name }) => name !== "handshake-variants")
      .flatMap(({ steps }) => steps.filter(({ sign }) => sign === undefined).flatMap(sentBy)),
  ),
].filter((text) => !text.includes("protocol_version"));

/** Steps that log a user in. */
const login = scenarios.find(({ name }) => name === "login-again")!.steps.slice(1, 4)
  .map((step): Step => ({ ...step, c: "A" }));

describe("a server of the service", () => {
  it("answers every request once and in order, whichever come and however they are cut", async () => {
    const replay = await Replay.begin();
    const cuts = fc.array(fc.nat({ max: 2000 }), { maxLength: 4 });
    const requests = fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 12 });
    let run = 0;
    let played = 0;
    const play = async ({ sign, ...step }: Step, c: string) => {
      const signs = sign === undefined ? {} : { sign: { ...sign, challenge_of_step: played - 1 } };
      await replay.step({ ...step, ...signs, c });
      played++;
    };
    await fc.assert(
      fc.asyncProperty(requests, cuts, fc.boolean(), async (sent, places, isLoggedIn) => {
        const c = `client ${run++}`;
        const steps = isLoggedIn ? login : [{ c, send: HANDSHAKE }];
        for (const step of steps) await play(step, c);
        const bytes = concat(...sent.map((text) => encodeFrame(utf8(text))));
        const sorted = [0, ...places.filter((at) => at < bytes.length), bytes.length]
          .sort((a, b) => a - b);
        const pieces = sorted.slice(1).map((to, at) => bytes.subarray(sorted[at]!, to));
        const { frames, eof } = await replay.pieces(c, pieces);
        const answers = frames.filter((text) => text.startsWith('{"Response":'));
        assert.deepEqual([answers.length, eof], [sent.length, false]);
        await play({ c, do: "close" }, c);
      }),
      { numRuns: 60 },
    );
    await replay.end();
  });
});

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { ready } from "../../wasm/mod.ts";
import { isAsRecorded, Replay } from "./replay.ts";
import { type Scenario, scenarios } from "./vector_frames.ts";

/** Behaviours that a scenario shows. */
const SHOWS: Readonly<Record<string, string>> = {
  "handshake": "11#1",
  "handshake-variants": "11#1",
  "before-login": "11#8, 11#9, 11#12",
  "login": "11#10, 11#12",
  "login-refused": "11#11, 11#13",
  "login-again": "11#15",
  "session-keys": "11#16, 11#17",
  "gate": "11#17, 11#18, 11#19, 11#22",
  "get-entry": "11#20, 11#21",
  "begin-transaction": "11#24",
  "store-state": "11#26",
  "store-entries": "11#25",
  "merge-state": "11#27",
  "submit": "11#28, 11#30",
  "submit-refused": "11#29",
  "set-metadata": "11#22, 11#23",
  "cache": "11#31",
  "cache-shared": "11#31",
  "notify": "11#36, 11#37, 11#38",
  "notify-disconnect": "11#47",
  "pipeline": "11#49",
  "frame-errors": "11#2, 11#3, 11#4",
  "stop": "11#46",
};

/** Where this server answers otherwise on purpose: the rule, and the steps of each scenario. */
const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  "the text of a refusal by the reference's JSON reader: module and kind are the same": {
    "store-state": [6, 7, 10],
  },
  "00 §B5: an entry that is not higher than its parents is Failed": {
    "submit-refused": [36, 41],
    "walk-2": [150],
    "walk-3": [97],
  },
  "14 daemon 1: entries of a foreign tree are not read through store tips": {
    "store-tips": [46],
    "walk-1": [103],
    "walk-2": [16],
    "walk-3": [106, 179],
  },
  "14 daemon 1: an entry of a foreign tree has no merge base here": {
    "merge-state": [16],
  },
  "14 daemon 3: a Failed entry does not hide what it stands on": {
    "submit-refused": [6, 11, 16, 21, 26, 31],
    "walk-2": [32],
  },
  "14 daemon 5: what comes before its genesis is not stored": {
    "submit-genesis-late": [6, 8, 9, 10],
    "walk-1": [133, 183],
  },
  "14 daemon 8: notifications end when access does, and begin when there is some": {
    "revoke": [15, 18],
    "notify-cases": [29, 31],
    "walk-2": [56, 65],
    "walk-3": [87],
  },
  "11, where we can do better: a new login ends the subscriptions of the one before": {
    "login-again-subscribed": [12],
  },
  "14 daemon 14: cached states belong to a tree that is held": {
    "cache": [15, 22, 24],
    "cache-shared": [38, 47, 48],
    "walk-1": [134],
    "walk-2": [155],
  },
};

function differencesOf(scenario: string): number[] {
  return Object.values(DIFFERENCES).flatMap((steps) => steps[scenario] ?? []).sort((a, b) => a - b);
}

async function differing(scenario: Scenario): Promise<number[]> {
  const replay = await Replay.begin();
  const found: number[] = [];
  try {
    for (const [at, step] of scenario.steps.entries()) {
      if (!isAsRecorded(scenario, at, await replay.step(step))) found.push(at);
    }
  } finally {
    await replay.end();
  }
  return found;
}

describe("what raw clients of the reference's daemon have seen (service-frames.json)", () => {
  before(() => ready());
  for (const scenario of scenarios) {
    const { name, steps } = scenario;
    const shows = SHOWS[name] === undefined ? "" : `${SHOWS[name]}: `;
    it(`${shows}${name}, ${steps.length} steps byte for byte`, async () => {
      assert.deepEqual(await differing(scenario), differencesOf(name));
    });
  }
});

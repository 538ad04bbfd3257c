import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database, ID } from "../../mod.ts";
import { SESSION_LIMITS } from "../../src/sync/native/limits.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { Schedule } from "../../src/testing/schedule.ts";
import { cases } from "../helpers/thorough.ts";
import { open, put, withCluster } from "./cluster_bed.ts";
import { keptStorages } from "./kept_storage.ts";
import { exchange, join, type JoinOptions, Recorder } from "./native_run.ts";

/** Seeds of one run; 1,000 in CI. */
const SEEDS = cases(10);
const SEEDS_OF_A_TEST = 10;
const PEERS = 3;
const TREES = 2;

/** What a seed does to three instances with two trees. */
class Story {
  readonly #cluster: Cluster;
  readonly #trees: readonly ID[];
  readonly #dice: Schedule;
  readonly #at = new Map<string, Database>();
  /** How many commits were made in each tree. */
  readonly commits: number[];

  constructor(cluster: Cluster, trees: readonly ID[], dice: Schedule) {
    [this.#cluster, this.#trees, this.#dice] = [cluster, trees, dice];
    this.commits = trees.map(() => 0);
  }

  async #commit(peer: number): Promise<void> {
    const tree = this.#dice.below(TREES);
    const db = this.#at.get(`${peer} ${tree}`) ?? await this.#openAt(peer, tree);
    const value = `${this.commits[tree]!++}`.repeat(1 + this.#dice.below(60));
    await put(db, `k${this.#dice.below(5)}`, value);
  }

  async #openAt(peer: number, tree: number): Promise<Database> {
    const db = await this.#cluster.peers[peer]!.user.openDatabase(this.#trees[tree]!);
    this.#at.set(`${peer} ${tree}`, db);
    return db;
  }

  /** One thing that happens. */
  async step(): Promise<void> {
    const kind = this.#dice.below(10);
    const peer = this.#dice.below(PEERS);
    if (kind < 4) {
      for (let n = this.#dice.below(6); n >= 0; n--) await this.#commit(peer);
    } else if (kind < 8) await this.#meet();
    else if (kind < 9) await this.#restart(peer);
    else this.#confuse(peer);
  }

  async #restart(peer: number): Promise<void> {
    for (const tree of this.#trees.keys()) this.#at.delete(`${peer} ${tree}`);
    await this.#cluster.restart(peer);
  }

  /** What is remembered of a peer's log is of another one, as after a storage was restored. */
  #confuse(peer: number): void {
    const other = this.#cluster.peers[(peer + 1) % PEERS]!.instance.id;
    const cursor = { logId: new Uint8Array(8).fill(peer), position: this.#dice.below(9), sum: 3n };
    const { cursors } = this.#cluster.peers[peer]!.sync.native;
    for (const tree of this.#trees) cursors.move(tree, other, cursor);
  }

  #connection(): JoinOptions {
    const dice = this.#dice;
    const [client, server] = dice.shuffled([0, 1, 2]);
    const cut = () => dice.percent(40) ? dice.below(6000) : undefined;
    const run = () => ({
      deflates: dice.percent(50),
      pushes: dice.percent(80),
      limits: { credit: dice.pick([300, 4000, SESSION_LIMITS.credit]) },
    });
    return {
      client: client!,
      server: server!,
      cutAfter: cut(),
      cutBackAfter: cut(),
      piece: dice.percent(50) ? () => 1 + dice.below(400) : undefined,
      clientRun: run(),
      serverRun: run(),
    };
  }

  /** Two meet, over a connection that may be cut, and commit while they are in touch. */
  async #meet(): Promise<void> {
    const options = this.#connection();
    const { client, server, pair } = join(this.#cluster, options);
    const live = this.#dice.percent(70);
    const channels = this.#trees.map((tree) => client.follow(tree, { live }));
    const settled = Promise.allSettled(channels.map((channel) => channel.settled()));
    if (this.#dice.percent(50)) await this.#commit(options.client!);
    if (this.#dice.percent(50)) await this.#commit(options.server!);
    if (this.#dice.percent(70)) await settled;
    if (this.#dice.percent(50)) pair.cut();
    await Promise.all([client.close(), server.close()]);
  }
}

/** Lets all pairs meet until all hold the same. */
async function converge(cluster: Cluster, tree: ID): Promise<void> {
  for (let round = 0; round < 3 && !await cluster.converged(tree); round++) {
    for (const [client, server] of [[0, 1], [1, 2], [2, 0]] as const) {
      await exchange(cluster, tree, { client, server });
    }
  }
}

/** A tree that all peers have and share. */
async function everywhere(cluster: Cluster): Promise<ID> {
  const { rootId } = await open(cluster);
  for (const client of [1, 2]) {
    await exchange(cluster, rootId, { client });
    await cluster.serve(client, rootId);
  }
  return rootId;
}

async function holds(seed: number): Promise<void> {
  await withCluster(async (cluster) => {
    const trees: ID[] = [];
    for (let n = 0; n < TREES; n++) trees.push(await everywhere(cluster));
    const dice = new Schedule(seed);
    const story = new Story(cluster, trees, dice);
    for (let steps = 4 + dice.below(8); steps > 0; steps--) await story.step();
    for (const [at, tree] of trees.entries()) {
      await converge(cluster, tree);
      await cluster.assertNoLostEntries(tree);
      await cluster.assertAllVerified(tree);
      assert.equal((await cluster.entries(0, tree)).length, 2 + story.commits[at]!);
      const recorder = new Recorder();
      await exchange(cluster, tree, recorder);
      assert.deepEqual(recorder.types(), ["client open", "server state"]);
    }
  }, { peers: PEERS, storage: keptStorages() });
}

describe("the law of the native protocol", () => {
  // Several tests, so that whoever waits for a thousand seeds hears of them.
  for (let first = 1; first <= SEEDS; first += SEEDS_OF_A_TEST) {
    const last = Math.min(SEEDS, first + SEEDS_OF_A_TEST - 1);
    it(
      `whatever is committed, cut, restarted and confused, all have everything in the end (seeds ${first} to ${last})`,
      { timeout: 120_000 },
      async () => {
        for (let seed = first; seed <= last; seed++) await told(seed);
      },
    );
  }
});

async function told(seed: number): Promise<void> {
  await holds(seed).catch((error) => {
    throw new Error(`seed ${seed}: ${error}`, { cause: error });
  });
}

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Database, ID } from "../../mod.ts";
import type { Cluster } from "../../src/testing/cluster.ts";
import { Schedule } from "../../src/testing/schedule.ts";
import { cases, timeLimit } from "../helpers/thorough.ts";
import { open, put, withCluster } from "./cluster_bed.ts";
import { keptStorages } from "./kept_storage.ts";
import { exchange, join, type JoinOptions, Recorder } from "./native_run.ts";

/** Seeds of one run; 1,000 in CI. */
const SEEDS = cases(10);
const PEERS = 3;

/** What a seed does to three instances with one tree. */
class Story {
  readonly #cluster: Cluster;
  readonly #tree: ID;
  readonly #dice: Schedule;
  readonly #at = new Map<number, Database>();
  #commits = 0;

  constructor(cluster: Cluster, tree: ID, dice: Schedule) {
    [this.#cluster, this.#tree, this.#dice] = [cluster, tree, dice];
  }

  /** How many commits were made. */
  get commits(): number {
    return this.#commits;
  }

  async #commit(peer: number): Promise<void> {
    const db = this.#at.get(peer) ?? await this.#openAt(peer);
    await put(db, `k${this.#dice.below(5)}`, `${this.#commits++}`.repeat(1 + this.#dice.below(60)));
  }

  async #openAt(peer: number): Promise<Database> {
    const db = await this.#cluster.peers[peer]!.user.openDatabase(this.#tree);
    this.#at.set(peer, db);
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
    this.#at.delete(peer);
    await this.#cluster.restart(peer);
  }

  /** What is remembered of a peer's log is of another one, as after a storage was restored. */
  #confuse(peer: number): void {
    const other = this.#cluster.peers[(peer + 1) % PEERS]!.instance.id;
    const cursor = { logId: new Uint8Array(8).fill(peer), position: this.#dice.below(9), sum: 3n };
    this.#cluster.peers[peer]!.sync.native.cursors.move(this.#tree, other, cursor);
  }

  #connection(): JoinOptions {
    const dice = this.#dice;
    const [client, server] = dice.shuffled([0, 1, 2]);
    const cut = () => dice.percent(40) ? dice.below(6000) : undefined;
    const run = () => ({ deflates: dice.percent(50), pushes: dice.percent(80) });
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
    const channel = client.follow(this.#tree, { live: this.#dice.percent(70) });
    const settled = channel.settled().catch(() => {});
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

async function holds(seed: number): Promise<void> {
  await withCluster(async (cluster) => {
    const db = await open(cluster);
    for (const client of [1, 2]) {
      await exchange(cluster, db.rootId, { client });
      await cluster.serve(client, db.rootId);
    }
    const dice = new Schedule(seed);
    const story = new Story(cluster, db.rootId, dice);
    for (let steps = 4 + dice.below(8); steps > 0; steps--) await story.step();
    await converge(cluster, db.rootId);
    await cluster.assertNoLostEntries(db.rootId);
    await cluster.assertAllVerified(db.rootId);
    assert.equal((await cluster.entries(0, db.rootId)).length, 2 + story.commits);
    const recorder = new Recorder();
    await exchange(cluster, db.rootId, recorder);
    assert.deepEqual(recorder.types(), ["client open", "server state"]);
  }, { peers: PEERS, storage: keptStorages() });
}

describe("the law of the native protocol", () => {
  it(
    `whatever is committed, cut, restarted and confused, all have everything in the end (${SEEDS} seeds)`,
    { timeout: timeLimit(120_000) },
    async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        await holds(seed).catch((error) => {
          throw new Error(`seed ${seed}: ${error}`, { cause: error });
        });
      }
    },
  );
});

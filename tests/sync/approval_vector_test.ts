import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AuthKey,
  Database,
  DatabaseKey,
  Doc,
  DocStore,
  EideticaError,
  Instance,
  NewUser,
  Permission,
  PrivateKey,
  PublicKey,
  SigKey,
  Snapshot,
  SyncSettings,
  type User,
} from "../../mod.ts";
import { proveRequest } from "../../src/sync/access/request_proof.ts";
import type { Sync } from "../../src/sync/sync.ts";
import { decodeRequest } from "../../src/sync/v0/json_in.ts";
import { encodeRequest } from "../../src/sync/v0/json_out.ts";
import { FixedClock } from "../../src/testing/fixed_clock.ts";
import { fromHex } from "../../src/util/hex.ts";
import { vector } from "../database/replay.ts";
import { newStorage } from "../helpers/storages.ts";

interface RecordedKey {
  readonly name: string;
  readonly public_key: string;
  readonly seed: string;
}

interface RecordedError {
  readonly module: string;
  readonly variant: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

interface Step {
  readonly do: "request" | "list" | "approve" | "reject";
  readonly name?: string;
  readonly clock?: number;
  readonly text?: string;
  readonly answer?: "ok" | {
    readonly error?: RecordedError;
    readonly message?: string;
    readonly served?: number;
    readonly granted_permission?: unknown;
    readonly key_approved?: boolean;
  };
  readonly by?: string;
  readonly identity?: unknown;
  readonly request?: number | null;
  readonly request_id?: string | null;
  readonly database_changed?: boolean;
  readonly auth_after?: { readonly Doc: unknown };
  readonly rows?: readonly { readonly request: number; readonly text: string }[];
  readonly pending?: readonly number[];
  readonly approved?: readonly number[];
  readonly rejected?: readonly number[];
}

interface Flow {
  readonly name: string;
  readonly tree: string;
  readonly owner: RecordedKey;
  readonly keys: readonly RecordedKey[];
  readonly steps: readonly Step[];
}

const { flows } = vector<{ flows: readonly Flow[] }>("bootstrap-flow.json");

/** One flow on a node of ours: the same database, under another root. */
class Replay {
  readonly #flow: Flow;
  readonly #ids: string[] = [];
  readonly #clock: FixedClock;
  readonly #stranger = PrivateKey.generate();
  readonly #approved = new Set<string>();
  #sync!: Sync;
  #room!: Database;
  #instance!: Instance;

  constructor(flow: Flow) {
    this.#flow = flow;
    this.#clock = new FixedClock(1_770_516_000_000);
    this.#clock.hold();
  }

  async run(): Promise<void> {
    const made = await Instance.createBackend(await newStorage(), NewUser.passwordless("ada"), {
      clock: this.#clock,
    });
    this.#instance = made.instance;
    try {
      this.#sync = await made.instance.enableSync({ transports: {} });
      await this.#makeRoom(made.user);
      for (const step of this.#flow.steps) await this.#step(step);
    } finally {
      await made.instance.close();
    }
  }

  #key(publicKey: string): PrivateKey {
    const known = [this.#flow.owner, ...this.#flow.keys].find((it) => it.public_key === publicKey);
    // The device key of the recorded node is not told: like ours it may not decide anything.
    return known === undefined ? this.#stranger : PrivateKey.fromSeed(fromHex(known.seed));
  }

  async #makeRoom(user: User): Promise<void> {
    const { owner, keys } = this.#flow;
    const database = await Database.create(
      this.#instance,
      PrivateKey.fromSeed(fromHex(owner.seed)),
      Doc.from({ name: "room" }),
    );
    this.#room = database;
    await database.grant(user.defaultKey(), Permission.read);
    const first = this.#flow.steps.find((step) => step.auth_after !== undefined);
    for (const [name, as, permission] of KEYS) {
      const key = keys.find((it) => it.name === name);
      const isNamed = JSON.stringify(first?.auth_after).includes(key?.public_key ?? "none");
      if (key === undefined || !isNamed) continue;
      await database.withTransaction(async (tx) => {
        const grant = AuthKey.active(as, permission);
        await tx.getSettings().setAuthKey(PublicKey.parse(key.public_key), grant);
      });
    }
    if (this.#flow.name.includes("revoked")) {
      const writer = keys.find(({ name }) => name === "writer")!;
      await database.revoke(PublicKey.parse(writer.public_key));
    }
    await user.trackDatabase(database.rootId, user.defaultKey(), SyncSettings.enabled());
  }

  async #step(step: Step): Promise<void> {
    if (step.clock !== undefined) this.#clock.set(step.clock);
    if (step.do === "list") return await this.#list(step);
    if (step.do === "request") return await this.#ask(step);
    await this.#prepare(step);
    const before = await this.#room.snapshot();
    const id = step.request_id ?? this.#ids[step.request!] ?? "";
    // Identical requests are one here, and are granted once.
    if (step.answer === "ok" && this.#approved.has(id)) return;
    if (step.answer === "ok") this.#approved.add(id);
    const signer = this.#key(step.by!);
    const identity = signer === this.#stranger
      ? SigKey.fromPubkey(signer.publicKey)
      : SigKey.fromJSON(step.identity);
    const key = new DatabaseKey(signer, identity);
    const deciding = step.do === "approve"
      ? this.#sync.approveBootstrapRequestWithKey(id, key)
      : this.#sync.rejectBootstrapRequestWithKey(id, key);
    checkOutcome(step, await deciding.then(() => undefined, (error) => error));
    assert.equal(!before.equals(await this.#room.snapshot()), step.database_changed, step.name);
  }

  /** What was changed by hand before a step shows in what the database says after it. */
  async #prepare(step: Step): Promise<void> {
    const text = JSON.stringify(step.auth_after);
    const global =
      /"global":\{"Doc":.*?"Int":(\d+)\},"type":\{"Text":"(\w+)"\}/s.exec(text ?? "") ??
        /"global":\{"Doc":.*?"priority":\{"Int":(\d+)\}/s.exec(text ?? "");
    if (global === null) return;
    const level = Number(global[1]);
    const isAdmin = this.#flow.name === "approver identities";
    const permission = isAdmin ? Permission.admin(level) : Permission.write(level);
    await this.#room.grant("everyone", permission);
  }

  async #ask(step: Step): Promise<void> {
    if (this.#flow.name === "wildcard database") {
      await this.#room.grant("everyone", Permission.write(10));
    }
    const answer = await this.#post(step.text!);
    const expected = step.answer as Exclude<Step["answer"], "ok" | undefined>;
    if (expected.message !== undefined) {
      const { BootstrapPending } = answer as {
        BootstrapPending: { request_id: string; message: string };
      };
      assert.equal(BootstrapPending.message, expected.message, step.name);
      this.#ids.push(BootstrapPending.request_id);
      return await this.#checkRows(step);
    }
    const { Bootstrap } = answer as { Bootstrap: Record<string, unknown> };
    assert.deepEqual(Bootstrap["granted_permission"], expected.granted_permission, step.name);
    assert.equal(Bootstrap["key_approved"], expected.key_approved, step.name);
  }

  /** Sends a recorded request for our database, signed again for our server. */
  async #post(text: string): Promise<unknown> {
    const recorded = decodeRequest(new TextEncoder().encode(text));
    assert.equal(recorded.type, "SyncTree");
    const body = recorded.body as Extract<typeof recorded, { type: "SyncTree" }>["body"];
    const proven = { server: this.#instance.id, tree: this.#room.rootId, tips: Snapshot.EMPTY };
    const auth = body.auth &&
      proveRequest(this.#key(`${body.auth.key}`), proven, { clock: this.#clock });
    const request = encodeRequest({
      type: "SyncTree",
      body: { ...body, treeId: this.#room.rootId, auth },
    });
    const headers = { "content-type": "application/json" };
    const init = { method: "POST", headers, body: request as BodyInit };
    const response = await this.#sync.fetchHandler()(new Request("http://x/api/v0", init));
    return await response.json();
  }

  /** The rows are those that were recorded, byte for byte but for the root. */
  async #checkRows({ rows = [] }: Step): Promise<void> {
    const store = await this.#sync.syncTree.getStoreViewer(DocStore, "bootstrap_requests");
    const wanted = rows.map(({ text }) => text.replaceAll(this.#flow.tree, `${this.#room.rootId}`));
    const found = await Promise.all(this.#ids.map((id) => store.getString([id])));
    const merged = this.#flow.name.startsWith("two requests");
    for (const row of merged ? new Set(wanted.map(untimed)) : wanted) {
      assert.ok((merged ? found.map(untimed) : found).includes(row), row);
    }
  }

  async #list(step: Step): Promise<void> {
    const nameOf = (at: number) => this.#ids[at]!;
    const states = [
      [step.pending, await this.#sync.pendingBootstrapRequests()],
      [step.approved, await this.#sync.approvedBootstrapRequests()],
      [step.rejected, await this.#sync.rejectedBootstrapRequests()],
    ] as const;
    for (const [recorded, found] of states) {
      const ids = [...new Set(recorded!.map(nameOf))].sort();
      assert.deepEqual(found.map(([id]) => id).sort(), ids);
    }
  }
}

const KEYS = [
  ["writer", "writer", Permission.write(1)],
  ["reader", "reader", Permission.read],
  ["admin7", "chief", Permission.admin(7)],
] as const;

function untimed(row: string): string {
  return row.replace(/"timestamp":"[^"]*"/, "").replace(/"status":.*?,"peer/, '"peer');
}

function checkOutcome(step: Step, error: unknown): void {
  if (step.answer === "ok") return assert.equal(error, undefined, step.name);
  const { module, variant, fields = {} } = step.answer!.error!;
  assert.ok(error instanceof EideticaError, `${step.name}: ${error}`);
  assert.deepEqual([error.module, error.code], [module, variant], step.name);
  if (module !== "sync") return;
  assert.equal("actual_permission" in fields, "actualPermission" in error.fields);
  if ("actual_permission" in fields) {
    assert.deepEqual(error.fields["actualPermission"], fields["actual_permission"]);
  }
  if ("expected_status" in fields) {
    assert.match(
      String(error.fields["currentStatus"]),
      /^(Approved|Rejected) \{ \w+_by: ".+", \w+_time: ".+" \}$/,
    );
  }
}

describe("requests for access, as they were recorded", () => {
  for (const flow of flows) {
    it(`09#27,#35,#36,#37,#38 ${flow.name}`, () => new Replay(flow).run());
  }
});

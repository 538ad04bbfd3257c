import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Database, Doc, DocStore, List, type StoreContext, type StoreType } from "../../mod.ts";
import { hasCode, peerWith, withDb } from "../database/bed.ts";
import { inStore, viewer } from "../helpers/store_bed.ts";

describe("stores of one's own", () => {
  /** A counter: each entry holds what it adds; the state is the sum. */
  class Counter {
    static readonly typeId: string = "counter:v0";
    static readonly #sum = {
      name: "sum",
      empty: () => 0,
      parse: (bytes: Uint8Array) => Number(new TextDecoder().decode(bytes)),
      merge: (left: number, right: number) => left + right,
      serialize: (value: number) => new TextEncoder().encode(String(value)),
    };
    readonly #context: StoreContext;
    readonly #name: string;

    constructor(context: StoreContext, name: string) {
      this.#context = context;
      this.#name = name;
    }

    static load(context: StoreContext, name: string): Counter {
      return new Counter(context, name);
    }

    add(amount: number): void {
      const staged = this.#context.staged<number>(this.#name) ?? 0;
      this.#context.stage(this.#name, staged + amount, Counter.#sum);
    }

    async value(): Promise<number> {
      const history = await this.#context.fullState(this.#name, Counter.#sum);
      return history + (this.#context.staged<number>(this.#name) ?? 0);
    }
  }

  it("04 §11 a data type of one's own merges on branches", () =>
    withDb(async ({ db }) => {
      const type: StoreType<Counter> = Counter;
      const at = await db.snapshot();
      for (const amount of [1, 10, 100]) {
        const tx = await db.newTransaction({ at });
        (await tx.getStore(type, "visits")).add(amount);
        await tx.commit();
      }
      await db.withTransaction(async (tx) => {
        const counter = await tx.getStore(type, "visits");
        counter.add(1000);
        assert.equal(await counter.value(), 1111);
      });
      assert.equal(await (await db.getStoreViewer(type, "visits")).value(), 1111);
      await assert.rejects(
        db.withTransaction((tx) => tx.getStore(DocStore, "visits")),
        hasCode("TypeMismatch"),
      );
    }));

  it("03 lists made by hand keep their positions through a store", () =>
    withDb(async ({ db }) => {
      const list = List.from(["a", "b", "c"]);
      await inStore(db, (store) => store.set("list", list));
      const back = await (await viewer(db)).getList("list");
      assert.ok(back.equals(list));
    }));

  /** A register that remembers when it was written: the later time wins, whatever the branch. */
  class Register {
    static readonly typeId: string = "register:v1";
    static supportsTypeId = (typeId: string): boolean => /^register:v[01]$/.test(typeId);
    static defaultConfig = (): Doc => Doc.from({ unit: "seconds" });
    readonly doc: DocStore;

    constructor(context: StoreContext, name: string) {
      this.doc = new DocStore(context, name);
    }

    static load(context: StoreContext, name: string): Register {
      return new Register(context, name);
    }

    static async register(context: StoreContext, name: string): Promise<Register> {
      const made = new Register(context, name);
      await made.write(0, "nothing yet");
      return made;
    }

    /** Each time has a key of its own, so that no branch hides what another one wrote. */
    async write(time: number, text: string): Promise<void> {
      await this.doc.set(["at", String(time).padStart(6, "0")], text);
    }

    async read(): Promise<string> {
      const [latest] = [...(await this.doc.getNode("at")).entries({ reverse: true })];
      return String(latest![1]);
    }
  }

  it("04 §11 a store composed over a document store, with its own registration", () =>
    withDb(async ({ db }) => {
      await db.withTransaction(async (tx) => {
        const register = await tx.getStore(Register, "r");
        assert.equal(await register.read(), "nothing yet");
      });
      const info = await (await db.newTransaction()).getIndex().getEntry("r");
      assert.deepEqual([info.typeId, info.config.toObject()], ["register:v1", { unit: "seconds" }]);
      const at = await db.snapshot();
      for (const [time, text] of [[7, "seven"], [9, "nine"], [8, "eight"]] as const) {
        const tx = await db.newTransaction({ at });
        await (await tx.getStore(Register, "r")).write(time, text);
        await tx.commit();
      }
      const read = async () => await (await db.getStoreViewer(Register, "r")).read();
      assert.equal(await read(), "nine");
      await db.withTransaction((tx) => tx.getIndex().setEntry("r", "register:v0", new Doc()));
      await db.withTransaction(async (tx) =>
        await (await tx.getStore(Register, "r")).write(1, "old")
      );
      assert.equal(await read(), "nine");
      await db.withTransaction((tx) => tx.getIndex().setEntry("r", "register:v2", new Doc()));
      const tx = await db.newTransaction();
      await assert.rejects(tx.getStore(Register, "r"), hasCode("TypeMismatch"));
    }));

  it("04#12,#33 the sum of a counter is the same after any order of arrival", () =>
    withDb(async ({ db }) => {
      const at = await db.snapshot();
      for (const amount of [1, 10, 100]) {
        const tx = await db.newTransaction({ at });
        (await tx.getStore(Counter, "visits")).add(amount);
        await tx.commit();
      }
      const before = await db.getStoreViewer(Counter, "visits");
      await db.withTransaction(async (tx) => (await tx.getStore(Counter, "visits")).add(1000));
      assert.equal(await before.value(), 111);
      const [root, ...rest] = await db.getAllEntries();
      const peer = await peerWith([root!, ...rest.reverse()]);
      try {
        const copy = await Database.open(peer, db.rootId);
        assert.equal(await (await copy.getStoreViewer(Counter, "visits")).value(), 1111);
      } finally {
        await peer.close();
      }
    }));
});

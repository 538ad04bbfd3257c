/** What consoles show: one short text, the same on all runtimes (00 §C5). The inspection is the runtime's own. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect as nodeInspect } from "node:util";
import fc from "../helpers/fast_check.ts";
import * as main from "../../mod.ts";
import * as storages from "../../src/storage/mod.ts";
import * as sync from "../../src/sync/mod.ts";
import {
  AuthKey,
  AuthSettings,
  Counter,
  type Database,
  DatabaseKey,
  DelegatedTreeRef,
  Doc,
  DocStore,
  EideticaError,
  EntryMetadata,
  ID,
  Instance,
  List,
  NewUser,
  PasswordStore,
  Path,
  Permission,
  type Position,
  PrivateKey,
  ready,
  SigInfo,
  SigKey,
  Snapshot,
  Table,
  User,
} from "../../mod.ts";
import { MemoryStorage } from "../../src/storage/memory.ts";
import { YDoc } from "../../src/store/ydoc.ts";
import { utf8 } from "../../src/util/bytes.ts";
import * as here from "../../src/util/inspect.ts";
import * as elsewhere from "../../src/util/inspect_elsewhere.ts";
import { plainEntry } from "../entry/helpers.ts";
import { cases } from "../helpers/thorough.ts";

const { MAX_PARTS_SHOWN, MAX_SHOWN, MAX_TEXT_SHOWN } = here;

type Inspect = (value: unknown, options?: { depth?: number; colors?: boolean }) => string;

/** What `console.log` uses here. */
const inspect: Inspect = (() => {
  const { Deno, Bun } = globalThis as unknown as Record<string, { inspect: Inspect } | undefined>;
  return (Deno ?? Bun)?.inspect ?? nodeInspect;
})();

const PUBLIC = "ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=";
const key = () => PrivateKey.fromSeed(Uint8Array.from({ length: 32 }, (_, at) => at));
const HELLO = "bafkr4igxjgrdrtwfe3hxh4pdxdqzapuvcf34qkzobq7iejfkubfxbwn6bq";
const numbers = (length: number) => Array.from({ length }, (_, at) => at);

/** Checks texts in one go, so that a failure shows all of them. */
function shows(expected: readonly (readonly [value: unknown, text: string])[]): void {
  assert.deepEqual(expected.map(([value]) => inspect(value)), expected.map(([, text]) => text));
}

describe("inspect: values", () => {
  it("shows documents and lists by their visible members", () => {
    const doc = Doc.from({ name: "Ada", tags: ["a", "b"], "a b": null, on: true, n: -5 });
    doc.set("big", 2n ** 60n);
    doc.set("gone", 1);
    doc.remove("gone");
    shows([
      [
        doc,
        'Doc { "a b": null, big: 1152921504606846976n, n: -5, name: "Ada", on: true, tags: List [ "a", "b" ] }',
      ],
      [List.from([1, [2, {}], []]), "List [ 1, List [ 2, Doc {} ], List [] ]"],
      [new Doc(), "Doc {}"],
      [Doc.atomic({ "": "\n" }), 'Doc { "": "\\n" }'],
      [Doc.from({ a: { b: { c: { d: 1 } } } }), "Doc { a: Doc { b: Doc { c: [Doc] } } }"],
      [Doc.from({ a: { b: { c: [1] } } }), "Doc { a: Doc { b: Doc { c: [List] } } }"],
    ]);
  });

  it("shows the first members, and how many more there are", () => {
    const shown = numbers(MAX_SHOWN).join(", ");
    shows([
      [List.from(numbers(MAX_SHOWN)), `List [ ${shown} ]`],
      [List.from(numbers(132)), `List [ ${shown}, … 120 more ]`],
      [
        Doc.from({ many: numbers(13), text: "x".repeat(MAX_TEXT_SHOWN + 1) }),
        `Doc { many: List [ ${shown}, … 1 more ], text: "${"x".repeat(MAX_TEXT_SHOWN)}"… }`,
      ],
    ]);
    const long = List.from(numbers(MAX_SHOWN).map(() => "y".repeat(MAX_TEXT_SHOWN)));
    assert.match(inspect(long), /^List \[ ("y{60}", ){8}… 4 more \]$/);
    const nested = List.from([numbers(3).map(() => "y".repeat(MAX_TEXT_SHOWN)), 5]);
    assert.match(inspect(nested), /^List \[ List \[ ("y{60}"(, )?){3} \], 5 \]$/);
  });

  it("shows IDs, keys, permissions and grants by their texts", () => {
    const id = ID.parse(HELLO);
    shows([
      [id, `ID(${HELLO})`],
      [ID.EMPTY, "ID()"],
      [Snapshot.of([id]), `Snapshot(${HELLO})`],
      [Snapshot.EMPTY, "Snapshot()"],
      [main.PublicKey.parse(PUBLIC), `PublicKey(${PUBLIC})`],
      [key(), "PrivateKey(ed25519, redacted)"],
      [Permission.write(5), "Permission(write:5)"],
      [Permission.read, "Permission(read)"],
      [
        AuthKey.active('Ada\'s "key"', Permission.admin(0)),
        'AuthKey("Ada\'s \\"key\\"", admin:0, Active)',
      ],
      [new AuthKey(undefined, Permission.read, "Revoked"), "AuthKey(read, Revoked)"],
      [AuthSettings.empty(), "AuthSettings(0 keys)"],
      [
        new DelegatedTreeRef({ max: Permission.write(5), min: Permission.read }, {
          root: id,
          tips: [],
        }),
        `DelegatedTreeRef(${HELLO}, at most write:5, at least read)`,
      ],
    ]);
  });

  it("shows identities, signatures, entries and paths", async () => {
    await ready();
    const id = ID.parse(HELLO);
    const entry = plainEntry();
    shows([
      [SigKey.fromName("ada"), "SigKey(ada)"],
      [SigKey.delegation([{ tree: id, tips: [] }], { name: "ada" }), "SigKey(ada, delegated)"],
      [SigInfo.UNSIGNED, "SigInfo(unknown, unsigned)"],
      [new SigInfo(SigKey.fromName("ada"), "AAAA"), "SigInfo(ada, signed)"],
      [new DatabaseKey(key()), `DatabaseKey(${PUBLIC})`],
      [DatabaseKey.global(key()), "DatabaseKey(*)"],
      [entry, `Entry(${entry.id}, height 7, stores data)`],
      [main.Entry.rootBuilder(), "EntryBuilder()"],
      [new EntryMetadata(Snapshot.of([id]), 1n, 5), `EntryMetadata(settings at ${HELLO}, time 5)`],
      [new EntryMetadata(Snapshot.of([id])), `EntryMetadata(settings at ${HELLO})`],
      [Path.parse("user.name"), 'Path("user.name")'],
    ]);
    const position = new List();
    position.push(1);
    const [[at]] = [...position.iterWithPositions()] as [[Position, unknown]];
    assert.equal(inspect(at), `Position(${at})`);
  });

  it("shows errors with code, module and fields", () => {
    const id = ID.parse(HELLO);
    const error = new main.UserError("NoKeyForDatabase", "No key", { fields: { databaseId: id } });
    const text = inspect(error);
    for (const part of ["UserError: No key", "NoKeyForDatabase", "user", "databaseId"]) {
      assert.ok(text.includes(part), text);
    }
    assert.equal((error as unknown as { databaseId: ID }).databaseId, id);
    assert.deepEqual(Object.keys(error).sort(), ["code", "fields", "module", "name"]);
  });
});

/** An instance with a database "notes", and what it is made of. */
async function withNotes(
  test: (bed: { instance: Instance; user: User; notes: Database }) => Promise<void>,
): Promise<void> {
  const made = await Instance.connectOrCreate("memory://", NewUser.withPassword("ada", "geheim"));
  const user = made.user!;
  try {
    const notes = await user.createDatabase({ name: "notes" });
    await test({ instance: made.instance, user, notes });
  } finally {
    await made.instance.close();
  }
}

describe("inspect: handles", () => {
  it("names the instance, its user and its databases", () =>
    withNotes(async ({ instance, user, notes }) => {
      shows([
        [instance, `Instance(${instance.id}, open)`],
        [instance.host, "InstanceHost(open)"],
        [instance.downgrade(), `WeakInstance(Instance(${instance.id}, open))`],
        [instance.host.backend, "LocalBackend(memory)"],
        [new MemoryStorage(), "MemoryStorage()"],
        [NewUser.withPassword("ada", "geheim"), 'NewUser("ada")'],
        [user, 'User("ada")'],
        [await user.admin(), "InstanceAdmin()"],
        [user.newDatabase(), "DatabaseBuilder()"],
        [notes, `Database("notes", ${notes.rootId})`],
        [await user.openDatabase(notes.rootId), `Database("notes", ${notes.rootId})`],
      ]);
      await instance.close();
      shows([
        [instance, `Instance(${instance.id}, closed)`],
        [user, 'User("ada")'],
        [notes, `Database(${notes.rootId})`],
      ]);
    }));

  it("shows the stores of a transaction, and what it has staged", () =>
    withNotes(async ({ notes }) => {
      const tx = await notes.newTransaction();
      const table = await tx.getStore(Table, "tasks");
      const secret = await tx.getStore(PasswordStore, "secret");
      const doc = await tx.getStore(DocStore, "d");
      shows([
        [table, 'Table("tasks" of database "notes")'],
        [doc, 'DocStore("d" of database "notes")'],
        [doc.getValueMut("a").getValueMut("b"), 'ValueEditor("a.b")'],
        [await tx.getStore(Counter, "visits"), 'Counter("visits" of database "notes")'],
        [await tx.getStore(YDoc, "letter"), 'YDoc("letter" of database "notes")'],
        [secret, 'PasswordStore("secret" of database "notes")'],
        [tx.getSettings(), 'SettingsStore(of database "notes")'],
        [tx.getIndex(), 'Registry(of database "notes")'],
        [await tx.getIndex().find("tasks"), 'StoreInfo("table:v0")'],
        [table.search(() => true), "RowSearch(to be awaited)"],
        [await notes.newTransaction(), 'Transaction(on database "notes", staged nothing)'],
      ]);
      await table.insert({ title: "milk" });
      shows([[tx, 'Transaction(on database "notes", staged "tasks", "_index")']]);
      await tx.commit();
      shows([[tx, `Transaction(on database "notes", committed as ${tx.id})`]]);
      shows([
        [
          await notes.getStoreViewer(Table, "tasks"),
          'Table("tasks" of database "notes", read-only)',
        ],
        [await notes.getSettings(), 'SettingsStore(of database "notes", read-only)'],
      ]);
    }));

  it("says of a database that is being made that it is new, and of one without a name its ID", () =>
    withNotes(async ({ user }) => {
      let during = "";
      const builder = user.newDatabase().initializeStore("d", DocStore, (store) => {
        during = inspect(store);
      });
      const { database: nameless } = await builder.build();
      assert.equal(during, 'DocStore("d" of a new database)');
      assert.equal(inspect(nameless), `Database(${nameless.rootId})`);
      const viewer = await nameless.getStoreViewer(DocStore, "d");
      assert.equal(inspect(viewer), `DocStore("d" of database ${nameless.rootId}, read-only)`);
    }));

  it("shows synchronisation, its handles and tickets", () =>
    withNotes(async ({ instance, notes }) => {
      const engine = await instance.enableSync({ transports: {} }) as sync.Sync;
      const link = await engine.follow(notes, { peers: [] });
      const peer = main.PublicKey.parse(PUBLIC);
      const handle = new sync.SyncHandle(notes.rootId, peer, engine as unknown as sync.HandleHost);
      const callback = await notes.onWrite(() => {});
      shows([
        [engine, `Sync(${instance.id})`],
        [link, `SyncLink(${notes.rootId}, synced)`],
        [handle, `SyncHandle(${notes.rootId} with ${PUBLIC})`],
        [new sync.HttpTransport(), "HttpTransport()"],
        [
          new sync.DatabaseTicket(notes.rootId),
          `DatabaseTicket(eidetica:?db=${notes.rootId})`,
        ],
        [callback, `WriteCallback(${notes.rootId}, registered)`],
      ]);
    }));

  it("prints well inside of other values, and leaves out what is too deep", () =>
    withNotes(({ user, notes }) => {
      const doc = Doc.from({ a: 1 });
      const text = inspect({ user, list: [notes, doc] }).replace(/\s+/g, " ");
      assert.ok(text.includes(`user: User("ada"),`), text);
      assert.ok(text.includes(`Database("notes", ${notes.rootId}), Doc { a: 1 }`), text);
      // Bun tells an object beyond the depth that it is at the depth.
      const isBun = "Bun" in globalThis;
      const tooDeep = inspect({ at: { doc, list: List.from([1]) } }, { depth: 1 });
      assert.ok(tooDeep.includes(isBun ? "doc: Doc { a: 1 }" : "doc: [Doc]"), tooDeep);
      assert.ok(tooDeep.includes(isBun ? "list: List [ 1 ]" : "list: [List]"), tooDeep);
      const deep = Doc.from({ a: { b: { c: { d: { e: 1 } } } } });
      const whole = "Doc { a: Doc { b: Doc { c: Doc { d: Doc { e: 1 } } } } }";
      assert.equal(inspect(deep, { depth: 20 }), whole);
      return Promise.resolve();
    }));

  it("shows a store of one's own by its class", () =>
    withNotes(async ({ notes }) => {
      class Recipes extends main.StoreHandle {
        static readonly typeId = "recipes:v0";
        override get typeId(): string {
          return Recipes.typeId;
        }
        static load(context: main.StoreContext, name: string): Recipes {
          return new Recipes(context, name);
        }
      }
      const recipes = await notes.getStoreViewer(Recipes, "soups");
      assert.equal(inspect(recipes), 'Recipes("soups" of database "notes", read-only)');
    }));

  it("does nothing in bundles for browsers, whose consoles ask nobody", () => {
    const names = ["quote", "setInspection", "setMembersInspection", "setPrinter"];
    assert.deepEqual(Object.keys(elsewhere).sort(), names);
    assert.deepEqual(Object.keys(here).filter((name) => !/^MAX/.test(name)).sort(), names);
    class Silent {}
    elsewhere.setInspection(Silent, "Silent", () => ["loud"]);
    assert.deepEqual(Reflect.ownKeys(Silent.prototype), ["constructor"]);
  });

  it("colours members where the console does", () => {
    const text = inspect(Doc.from({ a: "x", b: 1 }), { colors: true });
    // deno-lint-ignore no-control-regex
    assert.match(text, /^Doc \{ a: \x1b\[32m"x"\x1b\[\d+m, b: \x1b\[33m1\x1b\[\d+m \}$/);
  });
});

describe("inspect: bounds", () => {
  const leaf = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constant(null),
    fc.boolean(),
  );
  const { node } = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      leaf,
      fc.array(tie("node"), { maxLength: 30 }),
      fc.dictionary(fc.string({ maxLength: 100 }), tie("node"), { maxKeys: 30 }),
    ),
  }));

  it("any document gives one line of bounded length, and is as it was", () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 30 }), (members) => {
        const doc = Doc.from({ members, ...members });
        const before = doc.stringify();
        const text = inspect(doc);
        assert.ok(text.startsWith("Doc {") && text.endsWith("}"), text);
        assert.ok(text.length <= 2500 && !text.includes("\n"), `${text.length}: ${text}`);
        assert.equal(doc.stringify(), before);
      }),
      { numRuns: cases(100) },
    );
  });

  it("huge documents, deep ones and long parts are no matter", () => {
    const wide = Doc.from(Object.fromEntries(numbers(50_000).map((at) => [`k${at}`, { at }])));
    assert.match(inspect(wide), /, … 49988 more \}$/);
    let deep: object = {};
    for (const at of numbers(40)) deep = { [`level ${at}`]: deep, z: "z".repeat(100) };
    assert.ok(inspect(Doc.from(deep), { depth: 100 }).length < 10_000);
    const addresses = numbers(50).map((at) => ({
      transportType: "http",
      address: `h${at}.example`,
    }));
    const ticket = inspect(new sync.DatabaseTicket(ID.parse(HELLO), addresses));
    assert.equal(ticket.length, MAX_PARTS_SHOWN + "DatabaseTicket(…)".length);
    const ids = numbers(MAX_SHOWN + 3).map((at) => ID.ofRaw(utf8(`${at}`)));
    assert.match(inspect(Snapshot.of(ids)), /^Snapshot\((bafk\w+, ){12}… 3 more\)$/);
  });

  it("says the class alone where nothing can be told, and never throws", () => {
    for (const [name, type] of classes()) {
      assert.ok(inspect(type.prototype).length < 200, name);
    }
    assert.equal(inspect(Object.create(ID.prototype)), "ID(…)");
    assert.equal(inspect(Object.create(Doc.prototype)), "Doc(…)");
    assert.equal(inspect(Object.create(User.prototype)), "User(…)");
  });

  /** Tools that hold nothing to be looked at. */
  const plain = new Set(["GroupCommit", "SystemClock"]);

  it("every public class has a text of its own", () => {
    const hook = Symbol.for("nodejs.util.inspect.custom");
    const lacks = classes().filter(([name, type]) => {
      const isError = type === EideticaError || type.prototype instanceof EideticaError;
      return !isError && !(hook in type.prototype) && !plain.has(name);
    });
    assert.deepEqual(lacks.map(([name]) => name), []);
  });
});

/** The classes that the doors of the package export. */
function classes(): [name: string, type: { prototype: object }][] {
  return Object.entries({ ...main, ...storages, ...sync })
    .filter(([, value]) => /^class\b/.test(String(value))) as unknown as [
      string,
      { prototype: object },
    ][];
}

import { AuthSettings } from "../auth/settings.ts";
import type { VerificationStatus } from "../backend/backend.ts";
import { DELETED } from "../crdt/value.ts";
import { Doc } from "../crdt/doc.ts";
import type { DatabaseView } from "../database/database_view.ts";
import type { Entry } from "../entry/entry.ts";
import { ID } from "../entry/id.ts";
import type { Instance } from "../instance/instance.ts";
import { EideticaError } from "../util/errors.ts";
import { isPartOf, shortId } from "./databases.ts";
import { Failure } from "./frame/failure.ts";

/** Stores that the package keeps for itself, which few want to see. */
const INDEX = "_index";

/** A change of one store, as people see it. */
export interface StoreChange {
  readonly name: string;
  /** How many values were set. */
  readonly set: number;
  /** How many were deleted. */
  readonly deleted: number;
  /** Size of what was written, in bytes. */
  readonly size: number;
}

/** What a line about an entry says. */
export interface EntryFacts {
  readonly entry: Entry;
  readonly status: VerificationStatus;
  /** Key that the entry names, as text. */
  readonly key: string;
  /** Label of that key now. */
  readonly name: string | undefined;
  readonly stores: readonly StoreChange[];
  readonly isTip: boolean;
}

/** Reads entries of one database and what is known of them. */
export class EntryReader {
  readonly instance: Instance;
  readonly root: ID;
  readonly #names: ReadonlyMap<string, string>;
  readonly #tips: ReadonlySet<string>;

  private constructor(
    instance: Instance,
    root: ID,
    names: ReadonlyMap<string, string>,
    tips: ReadonlySet<string>,
  ) {
    this.instance = instance;
    this.root = root;
    this.#names = names;
    this.#tips = tips;
  }

  /** A reader of a database. */
  static async of(instance: Instance, database: DatabaseView): Promise<EntryReader> {
    const { rootId } = database;
    const tips = await instance.backend.snapshot(rootId);
    const ids = new Set(tips.tips.map(String));
    return new EntryReader(instance, rootId, await keyNames(database), ids);
  }

  /** The label of a key. */
  nameOf(key: string): string | undefined {
    return this.#names.get(key);
  }

  /** What is known of an entry. */
  async facts(entry: Entry): Promise<EntryFacts> {
    const { id } = entry;
    const status = await this.instance.backend.getVerificationStatus(id);
    const key = keyText(entry);
    return {
      entry,
      status,
      key,
      name: this.nameOf(key),
      stores: changesOf(entry),
      isTip: this.#tips.has(id.toString()),
    };
  }

  /** All entries below the tips, the highest first; only what is taken is read. */
  async *newestFirst(): AsyncGenerator<Entry, void> {
    const heap = new EntryHeap();
    const seen = new Set<string>();
    const add = async (id: ID) => {
      if (seen.has(id.toString()) || !await this.instance.backend.hasEntry(id)) return;
      seen.add(id.toString());
      heap.push(await this.instance.backend.get(id));
    };
    for (const tip of this.#tips) await add(ID.parse(tip));
    for (let entry = heap.pop(); entry !== undefined; entry = heap.pop()) {
      yield entry;
      for (const parent of entry.parents) await add(parent);
    }
  }

  /** The entry that a text means. */
  async find(text: string): Promise<Entry> {
    const whole = wholeId(text);
    if (whole !== undefined) return await this.#whole(whole);
    const fits: Entry[] = [];
    for await (const entry of this.newestFirst()) if (isPartOf(text, entry.id)) fits.push(entry);
    if (fits.length === 1) return fits[0]!;
    const now = fits.length === 0 ? undefined : fits.map(({ id }) => id.toString()).join(", ");
    const message = fits.length === 0
      ? `Cannot find an entry "${text}" in this database.`
      : `Cannot tell which entry "${text}" means: ${fits.length} fit.`;
    throw new Failure(message, {
      code: fits.length === 0 ? "EntryNotFound" : "Ambiguous",
      now,
      next: "eidetica db log DB",
    });
  }

  async #whole(id: ID): Promise<Entry> {
    if (await this.instance.backend.hasEntry(id)) {
      const entry = await this.instance.backend.get(id);
      if (entry.id.equals(this.root) || entry.root?.equals(this.root)) return entry;
    }
    throw new Failure(`Cannot find the entry ${shortId(id)} in this database.`, {
      code: "EntryNotFound",
      next: "eidetica db log DB",
    });
  }
}

function wholeId(text: string): ID | undefined {
  try {
    return ID.parse(text);
  } catch {
    return undefined;
  }
}

/** Labels of the keys that a database lists now. */
async function keyNames(database: DatabaseView): Promise<Map<string, string>> {
  const auth = await authOf(database);
  return new Map(
    auth.getAllKeys().flatMap(([key, { name }]): [string, string][] =>
      name === undefined ? [] : [[key.toString(), name]]
    ),
  );
}

/** The keys of a database now; none while its settings are not here. */
export async function authOf(database: DatabaseView): Promise<AuthSettings> {
  try {
    return await (await database.getSettings()).authSnapshot();
  } catch (error) {
    if (error instanceof EideticaError) return AuthSettings.empty();
    throw error;
  }
}

/** The key that an entry names. */
export function keyText(entry: Entry): string {
  const { hint } = entry.sig.key;
  return hint.pubkey?.toString() ?? entry.sig.key.displayId();
}

/** What an entry changes, store by store. */
export function changesOf(entry: Entry): StoreChange[] {
  return entry.subtrees.filter((name) => name !== INDEX).map((name) => {
    const data = entry.findData(name) ?? new Uint8Array();
    const { set, deleted } = countValues(data);
    return { name, set, deleted, size: data.length };
  });
}

/** How many values a change of a document has; of other data nothing is known but the size. */
function countValues(data: Uint8Array): { set: number; deleted: number } {
  const counts = { set: 0, deleted: 0 };
  const walk = (doc: Doc) => {
    doc.peekEach((_key, value) => {
      if (value instanceof Doc && !value.isAtomic()) walk(value);
      else if (value === DELETED) counts.deleted++;
      else counts.set++;
    });
  };
  try {
    walk(Doc.parseBytes(data));
  } catch {
    return { set: 0, deleted: 0 };
  }
  return counts;
}

/** Entries, the highest first; those of one height in the order of their IDs, the last first. */
class EntryHeap {
  readonly #entries: Entry[] = [];

  static #isBefore(one: Entry, other: Entry): boolean {
    if (one.height !== other.height) return one.height > other.height;
    return ID.compare(one.id, other.id) > 0;
  }

  push(entry: Entry): void {
    let at = this.#entries.push(entry) - 1;
    for (; at > 0; at = (at - 1) >> 1) {
      if (!this.#swapIf(at, (at - 1) >> 1)) return;
    }
  }

  pop(): Entry | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (this.#entries.length === 0) return first;
    this.#entries[0] = last!;
    for (let at = 0;;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      const isRight = right < this.#entries.length &&
        EntryHeap.#isBefore(this.#entries[right]!, this.#entries[left]!);
      const child = isRight ? right : left;
      if (child >= this.#entries.length || !this.#swapIf(child, at)) return first;
      at = child;
    }
  }

  /** Puts the lower of two in the place above when it comes before. */
  #swapIf(lower: number, upper: number): boolean {
    const [one, other] = [this.#entries[lower]!, this.#entries[upper]!];
    if (!EntryHeap.#isBefore(one, other)) return false;
    this.#entries[lower] = other;
    this.#entries[upper] = one;
    return true;
  }
}

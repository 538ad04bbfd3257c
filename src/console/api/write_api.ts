import { Doc } from "../../crdt/doc.ts";
import type { VisibleValue } from "../../crdt/value.ts";
import type { Database } from "../../database/database.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { DocStore } from "../../store/doc_store.ts";
import { type JsonRow, Table } from "../../store/table.ts";
import type { Transaction } from "../../transaction/transaction.ts";
import { fromUtf8 } from "../../util/bytes.ts";
import { parsePlainJson } from "../../util/plain_json.ts";
import { readBody } from "../forms.ts";
import { refuse } from "./api_answers.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { pointOf } from "./paging.ts";
import { readable } from "./readable.ts";
import { storeAt } from "./store_at.ts";
import { isSame, valueUnder } from "./values.ts";

/** Most bytes of what is written. */
export const MAX_WRITTEN: number = 1024 * 1024;

/** Changing what stores hold. */
export function writeApi(): ApiRoutes {
  return { "PUT db/:id/stores/:name/value": write };
}

/** What is to be written, and where. */
interface Wanted {
  readonly name: string;
  readonly path: readonly string[];
  readonly value: unknown;
  /** What whoever writes has seen. */
  readonly seen: Snapshot;
}

/**
 * Writes one row of a table, or one member of a document, as an entry that the user's key signs. Whoever writes says as of
 * when the value was seen that is written over: if it is another one by now, nothing is written.
 */
async function write({ session, params, query, request }: ApiCall): Promise<unknown> {
  const value = await valueOf(request);
  if (value instanceof Response) return value;
  const found = await readable(session.user, params["id"]!);
  if (found instanceof Response) return found;
  const seen = pointOf(query);
  if (seen instanceof Response) return seen;
  const path = query.getAll("path");
  if (seen === undefined || path.length === 0) {
    return refuse(400, "MissingParameter", "`at` says what was seen, `path` what is written");
  }
  if (!found.permission.canWrite()) {
    return refuse(403, "NotWritable", "Your key may read this database, and not write to it");
  }
  return await commit(found.database, { name: params["name"]!, path, seen, ...value });
}

async function valueOf(request: Request): Promise<{ readonly value: unknown } | Response> {
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers.get("content-type") ?? "")) {
    await request.body?.cancel().catch(() => {});
    return refuse(415, "NotJson", "Send the value as application/json");
  }
  const body = await readBody(request, MAX_WRITTEN);
  if (body === undefined) {
    return refuse(413, "TooLarge", `A value has at most ${MAX_WRITTEN} bytes`);
  }
  try {
    return { value: parsePlainJson(fromUtf8(body)) };
  } catch {
    return refuse(400, "NotJson", "The value is no JSON");
  }
}

async function commit(database: Database, wanted: Wanted): Promise<unknown> {
  let refusal: Response | undefined;
  const tips = await database.update(async (transaction) => {
    refusal = await stage(database, transaction, wanted);
    return transaction;
  });
  return refusal ?? { entry: tips.id?.toString() ?? null };
}

/** Stages the value on the newest state, or says why not. */
async function stage(
  database: Database,
  transaction: Transaction,
  { name, path, value, seen }: Wanted,
): Promise<Response | undefined> {
  const [then, now] = [
    await storeAt(database, name, seen),
    await storeAt(database, name, transaction.parents),
  ];
  if (now instanceof Response) return now;
  const before = then instanceof Response ? undefined : valueUnder(then.doc, path);
  if (!isSame(before, valueUnder(now.doc, path))) {
    return refuse(409, "ValueChanged", "Somebody has written this meanwhile: look at it again");
  }
  return await put(transaction, now, { name, path, value });
}

async function put(
  transaction: Transaction,
  { doc, kind }: { readonly doc: Doc; readonly kind: string },
  { name, path, value }: Pick<Wanted, "name" | "path" | "value">,
): Promise<Response | undefined> {
  if (kind === "table" && path.length === 1 && isRow(value)) {
    await (await transaction.getStore(Table, name)).set(path[0]!, value);
  } else if (kind === "docstore" && valueUnder(doc, path.slice(0, -1)) instanceof Doc) {
    await (await transaction.getStore(DocStore, name)).set(path, value as VisibleValue);
  } else {
    return refuse(
      422,
      "NotWritable",
      "Rows of tables and members of documents are written, rows as objects",
    );
  }
  return undefined;
}

function isRow(value: unknown): value is JsonRow {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

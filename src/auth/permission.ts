/**
 * Permissions (02 §3).
 *
 * | form | Admin(0) | Write(10) | Read |
 * |---|---|---|---|
 * | JSON | `{"Admin":0}` | `{"Write":10}` | `"Read"` |
 * | document | `type` "Admin", `priority` 0 | `type` "Write", `priority` 10 | `type` "Read" |
 * | text | `admin:0` | `write:10` | `read` |
 *
 * @module
 */

import { setInspection } from "#inspect";
import { Doc } from "../crdt/doc.ts";
import type { Value } from "../crdt/value.ts";
import { requireInstance, requireText } from "../util/arguments.ts";
import { AuthError, CrdtError } from "../util/errors.ts";

/** Level of a permission. */
export type PermissionLevel = "Admin" | "Write" | "Read";

/** Largest priority: 2^32 − 1. */
export const MAX_PRIORITY: number = 2 ** 32 - 1;

/**
 * What a key may do with a database: `Permission.read` reads, `Permission.write(10)` also writes data,
 * `Permission.admin(0)` also changes settings, the grants of others included. The number is a priority from 0 to
 * 2^32 − 1, and the smaller one is the stronger: it orders permissions among each other and bounds what
 * delegated keys get, and does not keep one administrator from changing what another one is granted. Immutable.
 */
export class Permission {
  /** May read. */
  static readonly read: Permission = new Permission("Read", undefined);

  /** The level. */
  readonly level: PermissionLevel;
  /** The priority, from 0 to 2^32 − 1; undefined for `Read`. */
  readonly priority: number | undefined;

  private constructor(level: PermissionLevel, priority: number | undefined) {
    this.level = level;
    this.priority = priority;
  }

  /** May write data and settings. */
  static admin(priority: number): Permission {
    return new Permission("Admin", checkPriority(priority));
  }

  /** May write data. */
  static write(priority: number): Permission {
    return new Permission("Write", checkPriority(priority));
  }

  /** Whether data may be written. */
  canWrite(): boolean {
    return this.level !== "Read";
  }

  /** Whether settings may be written. */
  canAdmin(): boolean {
    return this.level === "Admin";
  }

  /** Place in the order of all permissions; no two distinct ones share a place. */
  get #rank(): number {
    const weight = MAX_PRIORITY - (this.priority ?? 0);
    if (this.level === "Read") return 0;
    return this.level === "Write" ? 1 + weight : 2 + MAX_PRIORITY + weight;
  }

  /** Negative, zero or positive as this permission is weaker than, equal to or stronger. */
  compare(other: Permission): number {
    requireInstance(other, Permission, "compare permissions", "the other one");
    return this.#rank - other.#rank;
  }

  /** Whether both are the same. */
  equals(other: Permission): boolean {
    return other instanceof Permission && this.#rank === other.#rank;
  }

  /** The weaker of this one and `max`. */
  clampTo(max: Permission): Permission {
    return this.compare(max) > 0 ? max : this;
  }

  /** For people: `Admin(0)`, `Write(10)`, `Read`. */
  display(): string {
    return this.priority === undefined ? this.level : `${this.level}(${this.priority})`;
  }

  /** The text form: `admin:0`, `write:10`, `read`. */
  toString(): string {
    const level = this.level.toLowerCase();
    return this.priority === undefined ? level : `${level}:${this.priority}`;
  }

  /** The JSON form. */
  toJSON(): unknown {
    return this.priority === undefined ? this.level : { [this.level]: this.priority };
  }

  /** The document form. */
  toDoc(): Doc {
    const doc = new Doc();
    doc.set("type", this.level);
    if (this.priority !== undefined) doc.set("priority", this.priority);
    return doc;
  }

  /** Reads the text form; throws an {@link AuthError} that says what is wrong with it. */
  static parse(text: string): Permission {
    requireText(text, "read a permission", "it");
    const [level, priority, ...more] = text.split(":");
    if (level === "read") return Permission.read;
    if (level !== "write" && level !== "admin") {
      throw refuse("InvalidPermissionString", text, "it is none of read, write and admin", {
        value: text,
      });
    }
    if (priority === undefined || more.length > 0) {
      throw refuse(
        "PermissionRequiresPriority",
        text,
        `it needs one priority, as in "${level}:10"`,
        {
          permissionType: level,
        },
      );
    }
    const number = /^\+?\d{1,10}$/.test(priority) ? Number(priority) : NaN;
    if (!(number <= MAX_PRIORITY)) {
      throw refuse("InvalidPriorityValue", text, "its priority is not from 0 to 2^32 - 1", {
        value: priority,
      });
    }
    return level === "admin" ? Permission.admin(number) : Permission.write(number);
  }

  /** Reads the JSON form; throws {@link AuthError} `InvalidPermissionString` for anything else. */
  static fromJSON(json: unknown): Permission {
    if (json === "Read") return Permission.read;
    const members = typeof json === "object" && json !== null ? Object.entries(json) : [];
    const [level, priority] = members.length === 1 ? members[0]! : [];
    if (typeof priority === "number") {
      if (level === "Write") return Permission.write(priority);
      if (level === "Admin") return Permission.admin(priority);
    }
    const why = 'it is none of "Read", {"Write": n} and {"Admin": n}';
    const text = typeof json === "bigint" ? String(json) : String(JSON.stringify(json));
    throw refuse("InvalidPermissionString", text, why, { value: text });
  }

  /**
   * Reads the document form. A priority is cut to its low 32 bits, as all nodes must. Throws
   * {@link CrdtError} `ElementNotFound` or `DeserializationFailed`.
   */
  static fromDoc(doc: Doc): Permission {
    requireInstance(doc, Doc, "read a permission", "it");
    const level = doc.peek("type");
    if (level === "Read") return Permission.read;
    if (typeof level !== "string") throw elementNotFound("type");
    if (level !== "Admin" && level !== "Write") {
      throw new CrdtError(
        "DeserializationFailed",
        `Cannot read a permission: its type is "${level}"`,
        {
          fields: { reason: `unknown permission type "${level}"` },
        },
      );
    }
    const priority = low32(doc.peek("priority"));
    return level === "Admin" ? Permission.admin(priority) : Permission.write(priority);
  }
}

setInspection(Permission, "Permission", (permission) => [permission]);

function refuse(
  code: string,
  text: string,
  why: string,
  fields: Readonly<Record<string, unknown>>,
): AuthError {
  return new AuthError(code, `Cannot read the permission "${text}": ${why}`, { fields });
}

function checkPriority(priority: number): number {
  if (Number.isInteger(priority) && priority >= 0 && priority <= MAX_PRIORITY) return priority;
  throw refuse("InvalidPriorityValue", String(priority), "its priority is not from 0 to 2^32 - 1", {
    value: String(priority),
  });
}

function low32(value: Value | undefined): number {
  if (typeof value !== "number" && typeof value !== "bigint") throw elementNotFound("priority");
  return Number(BigInt.asUintN(32, BigInt(value)));
}

/** The error for a member that a document must have. */
export function elementNotFound(key: string): CrdtError {
  return new CrdtError(
    "ElementNotFound",
    `Cannot read a record: "${key}" is missing or of another kind`,
    {
      fields: { key },
    },
  );
}

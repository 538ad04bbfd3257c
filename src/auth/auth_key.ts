import { quote, setInspection } from "#inspect";
import { Doc } from "../crdt/doc.ts";
import { requireInstance } from "../util/arguments.ts";
import { AuthError, CrdtError } from "../util/errors.ts";
import { elementNotFound, Permission } from "./permission.ts";

/** Whether a key counts. */
export type KeyStatus = "Active" | "Revoked";

/**
 * What the settings of a database grant to one key: a permission, and whether it still counts. `database.grant`
 * and `revoke` write it. Immutable. Names are labels: neither unique nor identifying.
 */
export class AuthKey {
  /** Label of the key. */
  readonly name: string | undefined;
  /** What it may do. */
  readonly permissions: Permission;
  /** `Active`, or `Revoked`: the key may do nothing under these settings; what it did under earlier ones stays valid. */
  readonly status: KeyStatus;

  /** A grant of these parts. */
  constructor(name: string | undefined, permissions: Permission, status: KeyStatus) {
    this.name = name;
    this.permissions = permissions;
    this.status = status;
  }

  /** An active grant. */
  static active(name: string | undefined, permissions: Permission): AuthKey {
    return new AuthKey(name, permissions, "Active");
  }

  /** Whether the key counts. */
  get isActive(): boolean {
    return this.status === "Active";
  }

  /** The document form: atomic, so that a later write replaces the whole grant. */
  toDoc(): Doc {
    const doc = Doc.atomic();
    if (this.name !== undefined) doc.set("name", this.name);
    doc.set("permissions", this.permissions.toDoc());
    doc.set("status", this.status);
    return doc;
  }

  /** Reads the document form; throws {@link CrdtError}. */
  static fromDoc(doc: Doc): AuthKey {
    requireInstance(doc, Doc, "read a key", "it");
    const name = doc.peek("name");
    const permissions = doc.peek("permissions");
    const status = doc.peek("status");
    if (!(permissions instanceof Doc)) throw elementNotFound("permissions");
    if (typeof status !== "string") throw elementNotFound("status");
    if (status !== "Active" && status !== "Revoked") {
      throw new CrdtError("DeserializationFailed", `Cannot read a key: its status is "${status}"`, {
        fields: { reason: `unknown key status "${status}"` },
      });
    }
    return new AuthKey(
      typeof name === "string" ? name : undefined,
      Permission.fromDoc(permissions),
      status,
    );
  }

  /** The JSON form. */
  toJSON(): unknown {
    const rest = { permissions: this.permissions.toJSON(), status: this.status };
    return this.name === undefined ? rest : { name: this.name, ...rest };
  }
}

setInspection(AuthKey, "AuthKey", ({ name, permissions, status }) => {
  return [name === undefined ? name : quote(name), permissions, status];
});

/** Reads the text form of a status: `active` or `revoked`. */
export function parseKeyStatus(text: string): KeyStatus {
  if (text === "active") return "Active";
  if (text === "revoked") return "Revoked";
  throw new AuthError(
    "InvalidKeyStatus",
    `Cannot read the key status "${text}": it is neither active nor revoked`,
    {
      fields: { value: text },
    },
  );
}

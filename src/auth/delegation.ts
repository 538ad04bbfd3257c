/**
 * Delegation: letting the keys of another database act here (02 §7).
 *
 * ```text
 * DelegatedTreeRef = atomic { permission_bounds: { max: Permission, min?: Permission }, tree }
 * tree             = { root: Text, tips: { "0": Text, "1": Text … } }
 * ```
 *
 * @module
 */

import { setInspection } from "#inspect";
import { Doc } from "../crdt/doc.ts";
import { ID } from "../entry/id.ts";
import { elementNotFound, Permission } from "./permission.ts";
import { requireInstance } from "../util/arguments.ts";

/** Between which permissions the keys of another database may act. */
export interface PermissionBounds {
  /** Strongest permission that they can have. */
  readonly max: Permission;
  /** Weakest permission that they have; undefined for no lift. */
  readonly min: Permission | undefined;
}

/** A database as of some of its tips. */
export interface TreeReference {
  /** Root of the database. */
  readonly root: ID;
  /** Its tips. */
  readonly tips: readonly ID[];
}

/** Whether bounds make sense: there is no lower one, or it is not above the upper one. */
export function areValidBounds({ max, min }: PermissionBounds): boolean {
  return min === undefined || min.compare(max) <= 0;
}

/** A permission within bounds; of bounds that make no sense only the upper one counts. */
export function clampPermission(permission: Permission, bounds: PermissionBounds): Permission {
  const { max, min } = bounds;
  if (permission.compare(max) > 0) return max;
  if (min === undefined || !areValidBounds(bounds)) return permission;
  return permission.compare(min) < 0 ? min : permission;
}

/** The bounds of two steps together: the smaller upper one, the larger lower one. */
export function combineBounds(a: PermissionBounds, b: PermissionBounds): PermissionBounds {
  const min = a.min === undefined || (b.min !== undefined && b.min.compare(a.min) > 0)
    ? b.min
    : a.min;
  return { max: a.max.clampTo(b.max), min };
}

/** Whether somebody with permission `delegator` may hand out rights within `bounds`. */
export function canDelegateWithBounds(delegator: Permission, bounds: PermissionBounds): boolean {
  return bounds.max.compare(delegator) <= 0 && areValidBounds(bounds);
}

/**
 * One delegation in the settings of a database: the keys that another database lists may act in this one, too,
 * with what they may do there, cut to bounds. Whom the other database adds or revokes is added or revoked here.
 */
export class DelegatedTreeRef {
  /** Between which permissions the keys there may act here. */
  readonly permissionBounds: PermissionBounds;
  /** The database, and the floor: the tips below which nobody may claim to be. */
  readonly tree: TreeReference;

  /** A delegation of these parts. */
  constructor(permissionBounds: PermissionBounds, tree: TreeReference) {
    this.permissionBounds = permissionBounds;
    this.tree = tree;
  }

  /** The document form: atomic. */
  toDoc(): Doc {
    const bounds = new Doc();
    bounds.set("max", this.permissionBounds.max.toDoc());
    if (this.permissionBounds.min !== undefined) {
      bounds.set("min", this.permissionBounds.min.toDoc());
    }
    const tree = new Doc();
    tree.set("root", this.tree.root.toString());
    const tips = new Doc();
    this.tree.tips.forEach((tip, at) => tips.set(String(at), tip.toString()));
    tree.set("tips", tips);
    const doc = Doc.atomic();
    doc.set("permission_bounds", bounds);
    doc.set("tree", tree);
    return doc;
  }

  /** Reads the document form; throws {@link CrdtError} or {@link IdError}. */
  static fromDoc(doc: Doc): DelegatedTreeRef {
    requireInstance(doc, Doc, "read a delegation", "it");
    const bounds = requireDoc(doc, "permission_bounds");
    const tree = requireDoc(doc, "tree");
    const root = tree.peek("root");
    if (typeof root !== "string") throw elementNotFound("root");
    const min = bounds.peek("min");
    return new DelegatedTreeRef({
      max: Permission.fromDoc(requireDoc(bounds, "max")),
      min: min instanceof Doc ? Permission.fromDoc(min) : undefined,
    }, { root: ID.parse(root), tips: readTips(tree) });
  }

  /** The JSON form; note the hyphen. */
  toJSON(): unknown {
    const { max, min } = this.permissionBounds;
    return {
      "permission-bounds": { max: max.toJSON(), min: min?.toJSON() ?? null },
      tree: { root: this.tree.root.toString(), tips: this.tree.tips.map(String) },
    };
  }
}

setInspection(DelegatedTreeRef, "DelegatedTreeRef", ({ tree, permissionBounds: { max, min } }) => {
  return [tree.root, `at most ${max}`, min === undefined ? min : `at least ${min}`];
});

function requireDoc(doc: Doc, key: string): Doc {
  const value = doc.peek(key);
  if (value instanceof Doc) return value;
  throw elementNotFound(key);
}

/** Tips in the order of their integer keys; anything else in between is passed over. */
function readTips(tree: Doc): ID[] {
  const tips = tree.peek("tips");
  if (!(tips instanceof Doc)) return [];
  const numbered: [number, string][] = [];
  for (const [key, value] of tips.entries()) {
    if (/^\d+$/.test(key) && typeof value === "string") numbered.push([Number(key), value]);
  }
  return numbered.sort(([a], [b]) => a - b).map(([, text]) => ID.parse(text));
}

import { currentAuth } from "../../database/access.ts";
import type { AuthSettings } from "../../auth/settings.ts";
import type { NodeContext } from "../router.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { type Readable, readable } from "./readable.ts";
import { cutText } from "./values.ts";

/** Keys that are listed at most. */
const MAX_KEYS = 1000;

/** Who may do what. */
export function peopleApi(node: NodeContext): ApiRoutes {
  return { "GET db/:id/people": (call) => people(node, call) };
}

/** The rules of a database as they are now: its keys, what everyone may, and databases whose keys count as well. */
async function people({ instance }: NodeContext, { session, params }: ApiCall): Promise<unknown> {
  const found = await readable(session.user, params["id"]!);
  if (found instanceof Response) return found;
  const rules = await currentAuth(instance.host, found.database.rootId);
  const keys = rules.getAllKeys();
  return {
    mine: mine(found),
    is_restricted: rules.isConfigured,
    everyone: rules.getGlobalPermission()?.toString() ?? null,
    keys: keys.slice(0, MAX_KEYS).map(([key, rule]) => ({
      key: key.toString(),
      name: rule.name === undefined ? null : cutText(rule.name),
      permission: rule.permissions.toString(),
      is_active: rule.isActive,
    })),
    total: { value: keys.length, exact: true },
    delegations: delegationsOf(rules),
  };
}

function mine({ database, permission }: Readable): unknown {
  return { key: database.key!.publicKey.toString(), permission: permission.toString() };
}

function delegationsOf(rules: AuthSettings): unknown {
  return rules.getAllDelegatedTrees().slice(0, MAX_KEYS).map(({ tree, permissionBounds }) => ({
    database: tree.root.toString(),
    at_most: permissionBounds.max.toString(),
    at_least: permissionBounds.min?.toString() ?? null,
  }));
}

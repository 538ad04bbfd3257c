import { irohHere } from "#servers";
import { Doc } from "../crdt/doc.ts";
import { IROH_KEY_BYTES, type IrohOptions, irohOptions } from "../transport/iroh_options.ts";
import { wrongArgument } from "../util/arguments.ts";
import { SyncError } from "../util/errors.ts";
import { fromHex, toHex } from "../util/hex.ts";
import { systemRandom } from "../util/random.ts";
import type { TransportBuilder } from "./sync_transports.ts";

/** Name under which `iroh: true` registers the transport. */
export const IROH_NAME = "iroh";
/** Where the secret key stands in the state of the transport, in hexadecimal. */
const SECRET = "secret_key";
const ACTION = "use Iroh";

/**
 * Connects instances directly, through routers, by Iroh: `sync.registerTransport("iroh", irohTransport())` is what
 * `enableSync({ iroh: true })` does. The secret key of the endpoint is kept in `_sync`, so that tickets hold after a
 * restart; each name has its own. Fails with `TransportInit` where the npm package `@number0/iroh` is missing or cannot be
 * loaded, as in pages.
 */
export function irohTransport(options: IrohOptions = {}): TransportBuilder {
  const given = irohOptions(options, ACTION);
  return {
    build: async (state) => {
      const kept = secretOf(state);
      const secret = kept ?? given.secretKey ?? systemRandom.bytes(IROH_KEY_BYTES);
      const transport = await (await opener())(given, secret);
      if (kept !== undefined) return { transport };
      return { transport, state: Doc.from({ [SECRET]: toHex(secret) }) };
    },
  };
}

/** What `iroh: …` says of options: undefined when Iroh is not wanted. */
export function irohWish(
  wish: boolean | IrohOptions | undefined,
  action: string,
): IrohOptions | undefined {
  if (wish === undefined || wish === false) return undefined;
  if (wish === true) return {};
  if (typeof wish !== "object" || wish === null) {
    throw wrongArgument(action, "`iroh`", "true, false or options", wish);
  }
  return irohOptions(wish, action);
}

async function opener() {
  const open = await irohHere();
  if (open !== undefined) return open;
  const message =
    "Cannot use Iroh: this place loads no add-ons; use HTTP with a server that others can reach";
  throw new SyncError("TransportInit", message);
}

/** The key that is kept; undefined when there is none yet. */
function secretOf(state: Doc): Uint8Array | undefined {
  const text = state.get([SECRET]);
  if (text === undefined) return undefined;
  const secret = typeof text === "string" ? tryHex(text) : undefined;
  if (secret?.length === IROH_KEY_BYTES) return secret;
  const message =
    `Cannot use Iroh: the key that is kept is not ${IROH_KEY_BYTES} bytes in hexadecimal; ` +
    "register the transport under another name";
  throw new SyncError("TransportInit", message);
}

function tryHex(text: string): Uint8Array | undefined {
  try {
    return fromHex(text);
  } catch {
    return undefined;
  }
}

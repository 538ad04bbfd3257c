import type { ID } from "../../entry/id.ts";
import { encodeEvent, EVENTS_TYPE, SIGN_OF_LIFE } from "../../sync/http/event_stream.ts";
import type { Sync } from "../../sync/port.ts";
import { utf8 } from "../../util/bytes.ts";
import { Logger } from "../../util/log.ts";
import type { NodeContext } from "../router.ts";
import type { WebSession } from "../sessions.ts";
import { goesOn } from "../active_users.ts";
import { noSession, refuse } from "./api_answers.ts";
import type { ApiCall, ApiRoutes } from "./api_router.ts";
import { readable } from "./readable.ts";

const log = new Logger("console");

/** Streams that one session may have open. */
export const MAX_STREAMS = 8;
/** How long changes are gathered before they are told, in milliseconds. */
const GATHER_MS = 250;
/** How often a stream says that it goes on, in milliseconds. */
const SIGN_MS = 15_000;

/** How soon a browser opens a stream anew that was cut. */
const RETRY = utf8("retry: 1000\n\n");

/** What happens meanwhile. */
export function eventsApi(node: NodeContext): ApiRoutes {
  const open = new WeakMap<WebSession, number>();
  return { "GET events": (call) => events(node, call, open) };
}

/**
 * A stream that tells that databases have changed, and never what: `change` with `{ db }`, where `db` is null for the list of
 * databases and for requests for access, and `ended` when the session ends. Of one database with `?db=`, else of all that the user may read.
 */
async function events(
  node: NodeContext,
  { session, query, request }: ApiCall,
  open: WeakMap<WebSession, number>,
): Promise<unknown> {
  const only = query.get("db") ?? undefined;
  if (only !== undefined) {
    const found = await readable(session.user, only);
    if (found instanceof Response) return found;
    // What has ended already ends no stream.
    if (session.ended.aborted) return noSession();
  }
  const count = open.get(session) ?? 0;
  if (count >= MAX_STREAMS) return refuse(429, "TooManyStreams", "Close another stream first");
  open.set(session, count + 1);
  const left = () => open.set(session, open.get(session)! - 1);
  const stream = new ChangeStream(node, { session, only, left });
  request.signal.addEventListener("abort", () => stream.end(), { once: true });
  if (request.signal.aborted) stream.end();
  const headers = { "content-type": EVENTS_TYPE, "cache-control": "no-store, private" };
  return new Response(stream.body, { headers });
}

/** What a stream is of. */
interface StreamOf {
  /** Who listens. */
  readonly session: WebSession;
  /** The only database of which it tells, if it is one. */
  readonly only: string | undefined;
  /** Called once, when nobody listens any more. */
  readonly left: () => void;
}

/** One stream. What has changed is gathered, so that a storm of writes costs no more than a few events a second. */
class ChangeStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #node: NodeContext;
  readonly #of: StreamOf;
  /** Databases that have changed; null for what is asked without one. */
  readonly #changed = new Set<string | null>();
  readonly #stop = new AbortController();
  readonly #unhear: () => void;
  readonly #signs: ReturnType<typeof setInterval>;
  readonly #ended = () => this.#end("ended");
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(node: NodeContext, of: StreamOf) {
    const { instance } = node;
    [this.#node, this.#of] = [node, of];
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        controller.enqueue(RETRY);
      },
      cancel: () => this.end(),
    });
    this.#unhear = instance.host.onAnyWrite((tree) => this.#note(this.#nameOf(tree)));
    if (instance.sync !== undefined) void this.#hearRequests(instance.sync);
    this.#signs = setInterval(() => void this.#sign(), SIGN_MS);
    of.session.ended.addEventListener("abort", this.#ended, { once: true });
  }

  /** Nobody listens any more. */
  end(): void {
    this.#end(undefined);
  }

  #end(event: string | undefined): void {
    if (this.#isOver) return;
    if (event !== undefined) this.#send(encodeEvent({ event, data: "{}" }));
    this.#isOver = true;
    this.#unhear();
    this.#stop.abort();
    clearInterval(this.#signs);
    clearTimeout(this.#timer);
    this.#of.session.ended.removeEventListener("abort", this.#ended);
    this.#of.left();
    // A stream that was cancelled is closed already.
    if (this.#controller.desiredSize !== null) tryClose(this.#controller);
  }

  /** What the user tracks stands in a database of the user's own: its writes change the list. */
  #nameOf(tree: ID): string | null {
    return tree.equals(this.#of.session.user.database.rootId) ? null : tree.toString();
  }

  async #hearRequests(sync: Sync): Promise<void> {
    for await (const { type } of sync.events({ signal: this.#stop.signal })) {
      if (type === "accessRequested") this.#note(null);
    }
  }

  #note(name: string | null): void {
    const { only } = this.#of;
    if (only !== undefined && name !== null && name !== only) return;
    this.#changed.add(name);
    this.#timer ??= setTimeout(() => void this.#tell(), GATHER_MS);
  }

  async #tell(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed.clear();
    this.#timer = undefined;
    try {
      if (!await goesOn(this.#node, this.#of.session)) return;
      for (const db of changed) {
        if (!await this.#mayTell(db)) continue;
        this.#send(encodeEvent({ event: "change", data: JSON.stringify({ db }) }));
      }
    } catch (error) {
      log.warn("cannot tell what has changed: {error}", { error });
    }
  }

  /** A session that nobody uses ends in time, and its streams with it; so do those of an instance that is closed. */
  async #sign(): Promise<void> {
    try {
      if (await goesOn(this.#node, this.#of.session)) this.#send(SIGN_OF_LIFE);
    } catch (error) {
      log.debug("a stream ends: {error}", { error });
      this.end();
    }
  }

  /** Nobody is told of databases that they may not read now. */
  async #mayTell(name: string | null): Promise<boolean> {
    return name === null || !(await readable(this.#of.session.user, name) instanceof Response);
  }

  /** What nobody has read yet is enough: who is behind will ask for the newest state anyway. */
  #send(bytes: Uint8Array): void {
    if (this.#isOver || (this.#controller.desiredSize ?? 0) < -MAX_WAITING) return;
    this.#controller.enqueue(bytes);
  }
}

/** Events that wait for a reader who is slow. */
const MAX_WAITING = 64;

function tryClose(controller: ReadableStreamDefaultController<Uint8Array>): void {
  try {
    controller.close();
  } catch {
    // It was cancelled.
  }
}

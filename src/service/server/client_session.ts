import type { Entry } from "../../entry/entry.ts";
import type { ID } from "../../entry/id.ts";
import type { Snapshot } from "../../entry/snapshot.ts";
import { ServiceError } from "../../util/errors.ts";
import type { Features } from "../protocol/features.ts";
import type {
  DatabaseOp,
  ReceivedEntry,
  ReceivedRequest,
  ServiceResponse,
} from "../protocol/messages.ts";
import { type Actor, requireAccessIfHeld } from "./gate.ts";
import { MAX_SUBSCRIPTIONS } from "./limits.ts";
import { operate, requireModest, type Served } from "./operations.ts";
import { Session } from "./session.ts";
import { submit } from "./submit.ts";
import { type Notify, Subscription } from "./subscription.ts";

type SubmitOp = Extract<DatabaseOp<ReceivedEntry>, { readonly type: "SubmitSignedEntry" }>;

type DatabaseRequest = Extract<ReceivedRequest, { readonly type: "AuthenticatedDb" }>;

/** All that a connection has: who is logged in, and what it listens to. Answers its requests one at a time. */
export class ClientSession {
  readonly #served: Served;
  readonly #features: Features;
  readonly #notify: Notify;
  readonly #session: Session;
  readonly #subscriptions = new Map<string, Subscription>();
  #isEnded = false;

  /** Serves one client, which is told of writes through `notify`. */
  constructor(served: Served, features: Features, notify: Notify) {
    this.#served = served;
    this.#features = features;
    this.#notify = notify;
    this.#session = new Session(served.node);
  }

  /** The answer to a request; fails where the answer is an error. */
  async answer(request: ReceivedRequest): Promise<ServiceResponse<Entry>> {
    switch (request.type) {
      case "GetInstanceMetadata": {
        const metadata = await this.#served.node.host.backend.getInstanceMetadata();
        return { type: "InstanceMetadata", metadata };
      }
      case "TrustedLoginUser":
        // What the user before has listened to is nothing to the next.
        this.#endSubscriptions();
        return {
          type: "TrustedLoginChallenge",
          login: await this.#session.begin(request.username),
        };
      case "TrustedLoginProve":
        this.#session.prove(request.signature);
        return { type: "TrustedLoginOk" };
      case "SessionKeyChallenge":
        return {
          type: "SessionKeyChallenge",
          challenge: this.#session.challengeKey(request.pubkey),
        };
      case "SessionKeyRegister":
        this.#session.registerKey(request.pubkey, request.signature);
        return { type: "Ok" };
      case "AuthenticatedDb":
        return await this.#operate(request);
    }
  }

  async #operate({ rootId, identity, op }: DatabaseRequest): Promise<ServiceResponse<Entry>> {
    const user = this.#session.userUuid;
    if (op.type === "SubmitSignedEntry") return await this.#submit(rootId, op);
    const actor = this.#session.actor(identity);
    requireModest(op);
    switch (op.type) {
      case "SubscribeWrites":
        return await this.#subscribe(rootId, actor, op.tips);
      case "UnsubscribeWrites":
        return await this.#unsubscribe(rootId, actor);
      default:
        return await operate(this.#served, { tree: rootId, actor, user }, op);
    }
  }

  async #submit(rootId: ID, { entry, alone }: SubmitOp): Promise<ServiceResponse<Entry>> {
    const submitted = await submit(this.#served.node.host, rootId, entry, alone);
    return this.#features.has("verdicts") ? { type: "Submitted", submitted } : { type: "Ok" };
  }

  // --- subscriptions ---------------------------------------------------------------------------

  async #subscribe(tree: ID, actor: Actor, tips: Snapshot): Promise<ServiceResponse<Entry>> {
    const { host } = this.#served.node;
    const mayRead = await requireAccessIfHeld(host, tree, actor);
    const key = tree.toString();
    const known = this.#subscriptions.get(key);
    if (known !== undefined && !known.isEnded) return { type: "Ok" };
    this.#subscriptions.delete(key);
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) throw manySubscriptions();
    const begun = await Subscription.begin({ host, tree, actor, mayRead }, tips, this.#notify);
    if (this.#isEnded) begun.end();
    else this.#subscriptions.set(key, begun);
    return { type: "Ok" };
  }

  /** Whoever has lost access may not be told so, but is told of nothing more either. */
  async #unsubscribe(tree: ID, actor: Actor): Promise<ServiceResponse<Entry>> {
    this.#subscriptions.get(tree.toString())?.end();
    this.#subscriptions.delete(tree.toString());
    await requireAccessIfHeld(this.#served.node.host, tree, actor);
    return { type: "Ok" };
  }

  #endSubscriptions(): void {
    for (const subscription of this.#subscriptions.values()) subscription.end();
    this.#subscriptions.clear();
  }

  /** The connection has ended: nothing is listened to any more. */
  end(): void {
    this.#isEnded = true;
    this.#endSubscriptions();
  }
}

function manySubscriptions(): ServiceError {
  const message = `Cannot subscribe: a connection may have ${MAX_SUBSCRIPTIONS} subscriptions`;
  return new ServiceError("LimitExceeded", message, { fields: { limit: MAX_SUBSCRIPTIONS } });
}

import { Permission } from "../../auth/permission.ts";
import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { SyncError } from "../../util/errors.ts";
import type { Action, Notice, Question } from "./actions.ts";
import { type NativeHost, provingKey } from "./host/native_host.ts";
import type { Decision } from "./host/access_requests.ts";
import { Reading } from "./host/reading.ts";
import { TreeSide } from "./host/tree_side.ts";
import type { Access, Open } from "./messages.ts";
import { type FollowTreeOptions, NativeChannel } from "./native_channel.ts";
import type { Session } from "./session.ts";

/** Who is at the other end, and how entries are sent. */
interface Partner {
  readonly peer: PublicKey;
  readonly isKnown: boolean;
  readonly deflates: boolean;
}

/** One channel on this side. */
interface Served {
  readonly tree: ID;
  readonly side: TreeSide;
  /** Set when this side follows the tree. */
  readonly own: NativeChannel | undefined;
  readonly access: FollowTreeOptions["access"];
  /** Set when the other side has opened it. */
  readonly reading: Reading | undefined;
  readonly open: Open | undefined;
  readonly askingKey: PublicKey | undefined;
  isReader: boolean;
  /** Ends what was registered for it. */
  readonly leave: (() => void)[];
}

/** The trees of one session: those that this side follows, and those that the other does. */
export class ServedTrees {
  readonly #host: NativeHost;
  readonly #session: Session;
  readonly #do: (actions: Action[]) => void;
  readonly #served = new Map<number, Served>();
  #partner: Partner | undefined;
  #failure: Error | undefined;

  /** No trees yet. */
  constructor(host: NativeHost, session: Session, perform: (actions: Action[]) => void) {
    this.#host = host;
    this.#session = session;
    this.#do = perform;
  }

  /** The other side has proved its key. */
  begin(partner: Partner): void {
    this.#partner = partner;
  }

  /** The tree of a channel. */
  treeOf(channel: number): ID | undefined {
    return this.#served.get(channel)?.tree;
  }

  // --- following -------------------------------------------------------------------------------

  /** Follows a tree as soon as the session is established. */
  follow(tree: ID, options: FollowTreeOptions, established: Promise<unknown>): NativeChannel {
    let number: number | undefined;
    const end = () => this.#host.serving.host.host.backend.log.cursor(tree);
    const own: NativeChannel = new NativeChannel(tree, end, () => {
      if (number !== undefined) this.#leave(number);
    });
    const begun = established.then(async () => {
      number = await this.#follow(own, options);
    });
    begun.catch((error) => own.fail(error));
    return own;
  }

  async #follow(own: NativeChannel, options: FollowTreeOptions): Promise<number> {
    const { tree } = own;
    const side = this.#side(tree, undefined, true);
    const opening = await side.opening();
    if (this.#failure !== undefined) throw this.#failure;
    const { live = true, keys = [], access } = options;
    const said = this.#session.openTranscript(tree);
    const proofs = keys.map((key) => ({ key: key.publicKey.bytes, signature: key.sign(said) }));
    const { channel, actions } = this.#session.open({ tree, live, proofs, ...opening });
    const served = { tree, side, own, access, reading: undefined, open: undefined };
    this.#served.set(channel, { ...served, askingKey: undefined, isReader: true, leave: [] });
    if (live) await this.#watch(channel);
    this.#do(actions);
    // It may have been closed meanwhile.
    if (own.failure !== undefined) this.#leave(channel);
    return channel;
  }

  #side(tree: ID, reading: Reading | undefined, keepsCursor: boolean): TreeSide {
    const { peer, deflates } = this.#partner!;
    return new TreeSide(this.#host, { tree, peer, reading, deflates, keepsCursor });
  }

  async #watch(channel: number): Promise<void> {
    const { tree, leave } = this.#served.get(channel)!;
    const stop = await this.#host.growth.watch(tree, () => this.#do(this.#session.grew(tree)));
    if (this.#served.has(channel)) leave.push(stop);
    else stop();
  }

  #leave(channel: number): void {
    this.#do(this.#session.deny(channel, "Closed", "the channel is not needed any more"));
    this.#forget(channel);
  }

  #forget(channel: number): Served | undefined {
    const served = this.#served.get(channel);
    this.#served.delete(channel);
    for (const leave of served?.leave ?? []) leave();
    return served;
  }

  // --- answering -------------------------------------------------------------------------------

  /** Answers a question of the session. */
  async answer(question: Question, signal: AbortSignal): Promise<void> {
    if (question.do === "judge") return await this.#judge(question.open);
    const { channel } = question;
    const served = this.#served.get(channel);
    if (served === undefined) return;
    this.#do(await this.#answered(served, question, signal));
  }

  async #answered(
    { side, own }: Served,
    question: Exclude<Question, { do: "judge" }>,
    signal: AbortSignal,
  ): Promise<Action[]> {
    const session = this.#session;
    const { channel } = question;
    switch (question.do) {
      case "page": {
        const page = await side.page(question.from, question.maxBytes);
        if (page.isValid) own?.count(sentOf(page.block));
        return session.paged(channel, page);
      }
      case "differ":
        return session.differed(channel, await side.differ(question.tips));
      case "table":
        own?.count({ rounds: 1 });
        return session.tabled(channel, await side.table());
      case "fetch": {
        const fetched = await side.fetch(question.items, question.maxBytes);
        own?.count(sentOf(fetched.block));
        return session.fetched(channel, fetched);
      }
      case "store": {
        const report = await side.store(question.blocks, signal);
        const received = question.blocks.reduce((sum, { count }) => sum + count, 0);
        const bytes = question.blocks.reduce((sum, { body }) => sum + body.length, 0);
        const { verified, refused } = report;
        own?.count({ received, bytes, verified, refused });
        return session.stored(channel, report);
      }
      case "stand":
        return session.stood(channel, await side.stand());
    }
  }

  /** The other side opens a tree. */
  async #judge(open: Open): Promise<void> {
    const { channel, tree } = open;
    const { peer, isKnown } = this.#partner!;
    const proven = this.#provenKeys(open);
    const reading = new Reading(this.#host, tree, [peer, ...proven]);
    const side = this.#side(tree, reading, isKnown);
    const askingKey = proven[0] ?? peer;
    const own = { own: undefined, access: undefined };
    this.#served.set(channel, {
      ...own,
      tree,
      side,
      reading,
      open,
      askingKey,
      isReader: false,
      leave: [],
    });
    await this.#decide(channel);
  }

  #provenKeys({ tree, proofs }: Open): PublicKey[] {
    const said = this.#session.openTranscript(tree);
    return proofs.map((proof) => {
      const key = provingKey(proof.key);
      if (key.verify(said, proof.signature)) return key;
      throw new SyncError("BadProof", "Cannot open the database: a proof is not that of its key");
    });
  }

  /** Says what the other side may do now. */
  async #decide(channel: number): Promise<void> {
    const served = this.#served.get(channel);
    if (served === undefined) return;
    const { tree, side, open } = served;
    if (open!.live && !served.isReader) await this.#watch(channel);
    const judgement = await side.judge(open!);
    if (judgement.mayRead) served.isReader = true;
    this.#do(this.#session.judged(channel, judgement));
    if (judgement.mayRead) await this.#host.noteReader(tree, this.#partner!.peer);
  }

  // --- what the session tells ------------------------------------------------------------------

  /** Notes what the session tells of its channels. */
  noted(notice: Notice): void {
    if (notice.do === "access") return this.#access(notice.message);
    if (!("channel" in notice)) return;
    const served = this.#served.get(notice.channel);
    if (notice.do === "keep") served?.side.keep(notice.cursor);
    if (notice.do === "denied") this.#forget(notice.channel);
    served?.own?.noted(notice);
    if (notice.do === "opened" && served !== undefined && !notice.state.mayRead) {
      this.#ask(notice.channel, served);
    }
  }

  /** This side may not read: it asks for access, or gives up. */
  #ask(channel: number, { access, own }: Served): void {
    if (access === undefined) {
      own?.fail(
        new SyncError("PermissionDenied", "Permission denied: no key of this side may read"),
      );
      return this.#leave(channel);
    }
    const permission = access.permission.toString();
    const request = { channel, state: "request" as const, id: access.name, permission };
    this.#do(this.#session.tell({ ...request, message: "" }));
  }

  #access(message: Access): void {
    const served = this.#served.get(message.channel);
    if (served === undefined) return;
    if (message.state === "request") void this.#requested(message, served);
    else if (message.state === "rejected" && served.own !== undefined) {
      served.own.fail(new SyncError("AccessRejected", "Access was asked for and rejected"));
      this.#leave(message.channel);
    }
  }

  async #requested(message: Access, served: Served): Promise<void> {
    const { channel } = message;
    try {
      const { tree, askingKey, reading } = served;
      const tell = (decision: Decision) => this.#do(this.#session.tell({ channel, ...decision }));
      const { id: _, permission } = message;
      if (await reading?.has(Permission.parse(permission)) === true) {
        tell({ state: "approved", id: "", permission, message: "" });
        return await this.#decide(channel);
      }
      const request = { tree, key: askingKey!, request: message };
      const id = await this.#host.requests.store(request);
      tell({ state: "pending", id, permission, message: "" });
      const stop = await this.#host.requests.await(id, (decision) => {
        tell(decision);
        if (decision.state === "approved") {
          this.#decide(channel).catch((error) => this.#refuse(channel, error));
        }
      });
      served.leave.push(stop);
    } catch (error) {
      this.#refuse(channel, error);
    }
  }

  #refuse(channel: number, error: unknown): void {
    const code = error instanceof SyncError ? error.code : "Internal";
    const message = error instanceof SyncError ? error.message : "it could not be done";
    this.#do(this.#session.deny(channel, code, message));
    this.#forget(channel);
  }

  /** A question about a channel could not be answered, and it was denied. */
  ended(channel: number, error: unknown): void {
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#forget(channel)?.own?.fail(failure);
  }

  /** The session has ended. */
  async end(error: Error): Promise<void> {
    this.#failure = error;
    for (const channel of [...this.#served.keys()]) this.#forget(channel)?.own?.fail(error);
    await this.#host.cursors.flush();
  }
}

/** What a block adds to what was sent. */
function sentOf(block: { readonly count: number; readonly body: Uint8Array } | undefined) {
  return { sent: block?.count ?? 0, bytes: block?.body.length ?? 0 };
}

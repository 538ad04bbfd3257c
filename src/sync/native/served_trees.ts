import { Permission } from "../../auth/permission.ts";
import { ArrivalLog } from "../../backend/log/arrival_log.ts";
import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import { EideticaError, SyncError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { Reading } from "../access/reading.ts";
import type { VerifyMeter } from "../access/verify_time.ts";
import type { Action, Notice, Question } from "./actions.ts";
import type { Decision } from "./host/access_requests.ts";
import { type NativeHost, provenKeys } from "./host/native_host.ts";
import { type Opening, TreeSide } from "./host/tree_side.ts";
import type { Access, Open } from "./messages.ts";
import { type FollowTreeOptions, NativeChannel } from "./native_channel.ts";
import { type Opened, ServedTree } from "./served_tree.ts";
import type { Session } from "./session.ts";
import { areAllHeld, areSameTips } from "./told_tips.ts";

const log = new Logger("sync");

/** Who is at the other end, and how entries are sent. */
export interface Partner {
  /** Its proven key. */
  readonly peer: PublicKey;
  /** Whether it is registered. */
  readonly isKnown: boolean;
  /** Whether blocks are deflated. */
  readonly deflates: boolean;
  /** Time for verifying what it sends; undefined when this side has connected, since it has asked for that. */
  readonly meter?: VerifyMeter | undefined;
}

/** The trees of one session: those that this side follows, and those that the other does. */
export class ServedTrees {
  readonly #host: NativeHost;
  readonly #session: Session;
  readonly #do: (actions: readonly Action[]) => void;
  readonly #onServed: ((channel: NativeChannel) => void) | undefined;
  readonly #served = new Map<number, ServedTree>();
  /** Keys that have vouched, by the channel with their proofs. */
  readonly #proven = new Map<number, Promise<PublicKey[]>>();
  /** The channels with the proofs of own keys, unless the other side has refused them before it looked at these. */
  readonly #vouching = new Map<string, number>();
  #partner: Partner | undefined;
  #failure: Error | undefined;

  /** No trees yet. */
  constructor(
    host: NativeHost,
    session: Session,
    perform: (actions: readonly Action[]) => void,
    onServed?: (channel: NativeChannel) => void,
  ) {
    this.#host = host;
    this.#session = session;
    this.#do = perform;
    this.#onServed = onServed;
  }

  /** The other side has proved its key. */
  begin(partner: Partner): void {
    this.#partner = partner;
  }

  /** The tree of a channel. */
  treeOf(channel: number): ID | undefined {
    return this.#served.get(channel)?.tree;
  }

  /** Follows a tree as soon as the session is established. */
  follow(tree: ID, options: FollowTreeOptions, established: Promise<unknown>): NativeChannel {
    let number: number | undefined;
    const channel = this.#channel(tree, () => number);
    established.then(() => this.#follow(channel, options)).then((it) => {
      number = it;
      // It may have been closed meanwhile.
      if (channel.failure !== undefined) this.#leave(it);
    }).catch((error) => channel.fail(error));
    return channel;
  }

  #channel(tree: ID, number: () => number | undefined): NativeChannel {
    return new NativeChannel(tree, {
      end: () => ArrivalLog.of(this.#host.serving.host.host.backend).cursor(tree),
      push: () => this.#do(this.#session.grew(tree, true)),
      leave: () => {
        const known = number();
        if (known !== undefined) this.#leave(known);
      },
    });
  }

  async #follow(own: NativeChannel, options: FollowTreeOptions): Promise<number> {
    const { tree } = own;
    const reading = await this.#host.readingOf(tree, this.#partner!.peer);
    // What it holds is told when it is opened.
    await reading?.require();
    if (this.#failure !== undefined) throw this.#failure;
    const side = this.#side(tree, reading, true);
    const served = new ServedTree(own, side, { access: options.access });
    try {
      if (options.live !== false) await this.#watch(served);
      const opening = await served.side.opening();
      if (this.#failure !== undefined) throw this.#failure;
      own.begun(opening.log);
      return this.#open(served, opening, options);
    } catch (error) {
      served.end();
      throw error;
    }
  }

  /** Opens a channel at once, since channels are numbered in the order in which they are opened. */
  #open(served: ServedTree, opening: Opening, options: FollowTreeOptions): number {
    const { tree } = served;
    const { live = true, keys = [] } = options;
    const names = keys.map(({ publicKey }) => `${publicKey}`).join();
    const vouchedBy = this.#vouching.get(names);
    const said = this.#session.openTranscript(tree);
    const proofs = vouchedBy === undefined
      ? keys.map((key) => ({ key: key.publicKey.bytes, signature: key.sign(said) }))
      : [];
    const { channel, actions } = this.#session.open({
      ...{ tree, live, proofs, vouchedBy },
      ...opening,
    });
    if (proofs.length > 0) this.#vouching.set(names, channel);
    this.#served.set(channel, served);
    this.#do(actions);
    return channel;
  }

  #side(tree: ID, reading: Reading | undefined, keepsCursor: boolean): TreeSide {
    const { peer, deflates, meter } = this.#partner!;
    return new TreeSide(this.#host, { tree, peer, reading, deflates, keepsCursor, meter });
  }

  async #watch(served: ServedTree): Promise<void> {
    const { tree } = served;
    const grew = () => this.#do(this.#session.grew(tree));
    served.atEnd(await this.#host.growth.watch(tree, grew));
  }

  #leave(channel: number): void {
    this.#do(this.#session.deny(channel, "Closed", "the channel is not needed any more"));
    this.#forget(channel);
  }

  #forget(channel: number, error?: Error): void {
    const served = this.#served.get(channel);
    this.#served.delete(channel);
    if (served?.isAnswered === false) this.#signAgain(channel);
    served?.end(error);
  }

  /** Where a channel was refused before its proofs were looked at, they vouch for no other. */
  #signAgain(channel: number): void {
    for (const [names, it] of this.#vouching) if (it === channel) this.#vouching.delete(names);
  }

  // --- answering -------------------------------------------------------------------------------

  /** Answers a question of the session; when that fails, the channel is refused. */
  async answer(question: Question, signal: AbortSignal): Promise<void> {
    const { channel } = question;
    try {
      if (question.do === "judge") return await this.#opened(question.open, signal);
      const answer = await this.#served.get(channel)?.answer(question, signal);
      if (answer !== undefined) this.#do(this.#session.answer(channel, answer));
    } catch (error) {
      this.#refuse(channel, error);
    }
  }

  #refuse(channel: number, cause: unknown): void {
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#do(this.#session.deny(channel, ...reasonOf(error)));
    this.#forget(channel, error);
  }

  /**
   * The keys that vouch for an OPEN: those of its proofs, and those of another's. Whom that one has named counts for it
   * alone, so that the keys never become many.
   */
  async #prove({ channel, tree, proofs, vouchedBy }: Open, signal: AbortSignal) {
    const others = vouchedBy === undefined ? undefined : this.#proven.get(vouchedBy);
    const own = this.#check(tree, proofs, signal);
    if (proofs.length > 0) this.#proven.set(channel, own);
    return [...await own, ...await others ?? []];
  }

  async #check(tree: ID, proofs: Open["proofs"], signal: AbortSignal): Promise<PublicKey[]> {
    if (proofs.length > 0) await this.#partner!.meter?.spend(proofs.length, signal);
    return provenKeys(proofs, this.#session.openTranscript(tree));
  }

  /** The other side opens a tree. */
  async #opened(open: Open, signal: AbortSignal): Promise<void> {
    const { channel, tree } = open;
    const { peer, isKnown } = this.#partner!;
    const proven = await this.#prove(open, signal);
    const reading = new Reading(this.#host, tree, [peer, ...proven]);
    const opened: Opened = { open, reading, key: proven[0] ?? peer };
    const own = this.#channel(tree, () => channel);
    const served = new ServedTree(own, this.#side(tree, reading, isKnown), opened);
    this.#served.set(channel, served);
    await reading.isAllowed();
    if (open.live) await this.#watch(served);
    await this.#decide(channel, served, open);
  }

  /** Says what the other side may do now. */
  async #decide(channel: number, served: ServedTree, open: Open): Promise<void> {
    const answer = await served.answer({ do: "judge", channel, open }, NEVER);
    this.#do(this.#session.answer(channel, answer));
    if (answer.to !== "judge" || !answer.mayRead) return;
    await this.#host.noteReader(served.tree, served.opened!.reading.keys);
    const isComplete = areAllHeld(open.tips, answer.held);
    const isSame = areSameTips(answer.tips, open.tips);
    served.channel.served(isComplete, isSame ? answer.log : undefined);
    if (served.channel.failure === undefined) this.#onServed?.(served.channel);
  }

  // --- what the session tells ------------------------------------------------------------------

  /** Notes what the session tells of its channels. */
  noted(notice: Notice): void {
    const number = channelOf(notice);
    const served = number === undefined ? undefined : this.#served.get(number);
    if (number === undefined || served === undefined) return;
    if (notice.do === "keep") served.side.keep(notice.cursor);
    if (notice.do === "opened") served.isAnswered = true;
    if (notice.do === "denied") this.#forget(number);
    served.channel.noted(notice);
    if (notice.do === "opened" && !notice.state.mayRead) this.#ask(number, served);
  }

  /** This side may not read: it asks for access, or gives up. */
  #ask(channel: number, { followed, channel: own }: ServedTree): void {
    const access = followed?.access;
    if (access === undefined) {
      own.fail(cannotRead());
      return this.#leave(channel);
    }
    const permission = access.permission.toString();
    const request = { state: "request", id: access.name, permission, message: "" } as const;
    this.#do(this.#session.tell({ channel, ...request }));
  }

  /** The other side asks for access, or tells what has become of that. */
  async access(message: Access): Promise<void> {
    const { channel, state } = message;
    const served = this.#served.get(channel);
    if (state === "request" && served?.opened !== undefined) {
      await this.#requested(message, served, served.opened).catch((it) =>
        this.#refuse(channel, it)
      );
    }
    if (state !== "rejected" || served?.followed === undefined) return;
    served.channel.fail(
      new SyncError("AccessRejected", "Access was asked for and refused"),
    );
    this.#leave(channel);
  }

  /** The other side asks for access: it has it already, or somebody has to decide. */
  async #requested(request: Access, served: ServedTree, opened: Opened): Promise<void> {
    const { channel, permission } = request;
    const { open, reading, key } = opened;
    if (served.isAsking) {
      throw new SyncError(
        "TooMuch",
        "Access was asked for on this channel, and is not decided yet",
      );
    }
    served.isAsking = true;
    const tell = (decision: Decision) => this.#do(this.#session.tell({ channel, ...decision }));
    await reading.isAllowed();
    if (await reading.has(Permission.parse(permission))) {
      served.isAsking = false;
      tell({ state: "approved", id: "", permission, message: "" });
      return await this.#decide(channel, served, open);
    }
    const id = await this.#host.requests.store({ tree: served.tree, key, request });
    tell({ state: "pending", id, permission, message: "" });
    const stop = await this.#host.requests.await(id, (decision) => {
      served.isAsking = false;
      tell(decision);
      if (decision.state === "rejected") return;
      this.#decide(channel, served, open).catch((error) => this.#refuse(channel, error));
    });
    served.atEnd(stop);
  }

  /** The session has ended. */
  end(error: Error): void {
    this.#failure = error;
    for (const channel of [...this.#served.keys()]) this.#forget(channel, error);
  }
}

const NEVER = new AbortController().signal;

function channelOf(notice: Notice): number | undefined {
  return "channel" in notice ? notice.channel : undefined;
}

function cannotRead(): SyncError {
  return new SyncError("PermissionDenied", "Permission denied: no key of this side may read");
}

/** What the other side is told: our own words, and nothing of what went wrong inside. */
export function reasonOf(error: unknown): [code: string, message: string, retryMs: number] {
  const isOurs = error instanceof EideticaError &&
    (error.module === "sync" || error.module === "auth");
  if (isOurs) return [error.code, error.message, Number(error.fields.retryMs ?? 0)];
  log.warn("a session has failed: {error}", { error });
  return ["Internal", "it could not be done", 0];
}

import type { ID } from "../../entry/id.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Answer, Block, Question } from "./actions.ts";
import type { Reading } from "../access/reading.ts";
import type { TreeSide } from "./host/tree_side.ts";
import type { Open } from "./messages.ts";
import type { FollowTreeOptions, NativeChannel } from "./native_channel.ts";

/** Set when the other side has opened the channel. */
export interface Opened {
  /** How it did. */
  readonly open: Open;
  /** Whether it may read. */
  readonly reading: Reading;
  /** The key that asks for access, if one does. */
  readonly key: PublicKey;
}

/** Set when this side has opened the channel. */
export interface Followed {
  /** Whether access is asked for. */
  readonly access: FollowTreeOptions["access"];
}

/** One channel of a session, on this side: answers what the session asks about it. */
export class ServedTree {
  /** Root of the tree. */
  readonly tree: ID;
  /** Does what is wanted of the instance. */
  readonly side: TreeSide;
  /** As whoever is interested sees it. */
  readonly channel: NativeChannel;
  /** Set when the other side has opened the channel. */
  readonly opened: Opened | undefined;
  /** Set when this side has. */
  readonly followed: Followed | undefined;
  /** Whether the other side has told how the tree stands there, if this side has opened the channel. */
  isAnswered = false;
  /** Whether the other side has asked for access, and nobody has decided yet. */
  isAsking = false;
  readonly #leaves: (() => void)[] = [];
  #isOver = false;

  /** A channel that was opened by one side. */
  constructor(channel: NativeChannel, side: TreeSide, by: Opened | Followed) {
    this.tree = channel.tree;
    this.channel = channel;
    this.side = side;
    this.opened = "open" in by ? by : undefined;
    this.followed = "open" in by ? undefined : by;
  }

  /** Has something called when the channel ends, or at once when it has. */
  atEnd(leave: () => void): void {
    if (this.#isOver) leave();
    else this.#leaves.push(leave);
  }

  /** The channel has ended, for a reason. */
  end(error?: Error): void {
    this.#isOver = true;
    for (const leave of this.#leaves.splice(0)) leave();
    if (error !== undefined) this.channel.fail(error);
  }

  /** Answers a question of the session. */
  async answer(question: Question, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#answer(question, signal);
    this.#count(question, answer);
    return answer;
  }

  async #answer(question: Question, signal: AbortSignal): Promise<Answer> {
    const { side } = this;
    switch (question.do) {
      case "judge":
        return { to: "judge", ...await side.judge(question.open) };
      case "page":
        return { to: "page", page: await side.page(question.from, question.maxBytes) };
      case "differ":
        return { to: "differ", ...await side.differ(question.tips, question.isFew) };
      case "table":
        return { to: "table", table: await side.table(question.isHeld), isHeld: question.isHeld };
      case "fetch":
        return { to: "fetch", ...await side.fetch(question.items, question.maxBytes) };
      case "lack":
        return { to: "lack", ids: await side.lack(question.ids) };
      case "stand":
        return { to: "stand", ...await side.stand() };
      case "store":
        return { to: "store", ...await side.store(question.blocks, signal) };
    }
  }

  #count(question: Question, answer: Answer): void {
    const { channel } = this;
    if (answer.to === "page" && answer.page.isValid) channel.count(sentOf(answer.page.block));
    if (answer.to === "fetch") channel.count(sentOf(answer.block));
    if (answer.to === "table" && answer.table !== undefined) channel.count({ rounds: 1 });
    if (answer.to !== "store" || question.do !== "store") return;
    const { verified, refused } = answer;
    const received = question.blocks.reduce((sum, { count }) => sum + count, 0);
    const bytes = question.blocks.reduce((sum, { body }) => sum + body.length, 0);
    channel.count({ received, bytes, verified, refused });
  }
}

/** What a block adds to what was sent. */
function sentOf(block: Block | undefined): { readonly sent: number; readonly bytes: number } {
  return { sent: block?.count ?? 0, bytes: block?.body.length ?? 0 };
}

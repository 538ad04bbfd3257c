import type { LogCursor } from "../../backend/log/log_cursor.ts";
import type { ID } from "../../entry/id.ts";
import type { PrivateKey } from "../../keys/private_key.ts";
import type { PublicKey } from "../../keys/public_key.ts";
import type { Address } from "../../transport/port.ts";
import { EideticaError } from "../../util/errors.ts";
import type { PostRounds } from "./post_rounds.ts";
import type { TreeReport, TreeSync } from "./tree_sync.ts";

/** Codes of refusals to let a tree be read. */
const UNREADABLE: ReadonlySet<string> = new Set([
  "AuthenticationRequired",
  "PermissionDenied",
  "TreeNotFound",
]);

/** With what rounds are made. */
export interface RoundsHost {
  /** Makes them. */
  readonly trees: TreeSync;
  /** Makes them over requests of the native protocol, with peers who answer these. */
  readonly posts?: PostRounds | undefined;
  /** A tree was brought in step over such requests. */
  posted?(address: Address, tree: ID): void;
  /** Key that may read a tree. */
  keyFor(tree: ID): PrivateKey;
  /** Fails when a peer may have no more of a tree. */
  permit(tree: ID, peer: PublicKey): Promise<void>;
}

/** Rounds with one peer over protocol v0, or requests of the native protocol that stand alone; and the places in the logs of trees that it has reached. */
export class V0Rounds {
  readonly #peer: PublicKey;
  readonly #host: RoundsHost;
  readonly #signal: AbortSignal;
  readonly #onRefused: (tree: ID) => void;
  readonly #reached = new Map<string, LogCursor>();

  /** Rounds until `signal` is aborted; `onRefused` is told of trees that may be neither read nor written. */
  constructor(
    peer: PublicKey,
    host: RoundsHost,
    signal: AbortSignal,
    onRefused: (tree: ID) => void,
  ) {
    this.#peer = peer;
    this.#host = host;
    this.#signal = signal;
    this.#onRefused = onRefused;
  }

  /** It may come back as one that has less, such as an older copy: rounds find out. */
  forget(): void {
    this.#reached.clear();
  }

  /** Brings a tree in step; only what the log has more is sent where that is enough and known. */
  async bring(address: Address, tree: ID, wish: "push" | "round"): Promise<TreeReport> {
    const known = this.#reached.get(tree.toString());
    const pushed = wish === "push" && known !== undefined
      ? await this.#push(address, tree, known)
      : undefined;
    return pushed ?? await this.#round(address, tree);
  }

  /** Undefined when the place that was reached is of another log than there is now. */
  async #push(
    address: Address,
    tree: ID,
    from: LogCursor | undefined,
  ): Promise<TreeReport | undefined> {
    const permit = () => this.#host.permit(tree, this.#peer);
    const options = { signal: this.#signal, permit };
    const { report, reached } = await this.#host.trees.pushLog(address, tree, from, options);
    this.#note(tree, reached);
    return reached === undefined ? undefined : report;
  }

  /** A peer who lets nobody read a tree, or not this instance, is sent what it lacks all the same. */
  async #round(address: Address, tree: ID): Promise<TreeReport> {
    try {
      return await this.#wholeRound(address, tree);
    } catch (error) {
      const isRefused = error instanceof EideticaError && UNREADABLE.has(error.code);
      const report = isRefused ? await this.#push(address, tree, undefined) : undefined;
      if (report !== undefined) return report;
      if (isRefused) this.#onRefused(tree);
      throw error;
    }
  }

  async #wholeRound(address: Address, tree: ID): Promise<TreeReport> {
    const permit = () => this.#host.permit(tree, this.#peer);
    const options = { key: this.#host.keyFor(tree), signal: this.#signal, permit };
    const posted = await this.#host.posts?.round(address, this.#peer, tree, options);
    if (posted !== undefined) this.#host.posted?.(address, tree);
    const { reached, ...report } = posted ??
      await this.#host.trees.round(address, this.#peer, tree, options);
    this.#note(tree, reached);
    return report;
  }

  #note(tree: ID, reached: LogCursor | undefined): void {
    if (reached === undefined) this.#reached.delete(tree.toString());
    else this.#reached.set(tree.toString(), reached);
  }
}

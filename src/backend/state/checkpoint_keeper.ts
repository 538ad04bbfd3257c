import type { StorageDriver } from "../../storage/driver.ts";
import { StorageError } from "../../util/errors.ts";
import { toHex } from "../../util/hex.ts";
import { Logger } from "../../util/log.ts";
import { isLost } from "../../util/lost.ts";
import type { Checkpoint, Checkpoints, Listing, Scope } from "./checkpoints.ts";
import type { StateFamily, StoreState } from "./state_family.ts";
import { foldPieces, serializePieces } from "./state_fold.ts";
import type { StateType } from "./state_type.ts";

const log = new Logger("checkpoints");

/** Least weight of what was folded since the last checkpoint: some thousand entries fold in no time. */
export const MIN_WEIGHT: number = 1024 * 1024;
/**
 * How far a checkpoint stays behind what is newest, as weight: a few hundred entries, which fold in no
 * time. A branch that begins among them, and arrives later, still begins at the checkpoint.
 */
const LAG = 256 * 1024;
/** Longest body of a checkpoint, in bytes; a storage may take less. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** How long a checkpoint waits for a quiet moment, in milliseconds. */
const DELAY = 200;

/** Loads what reads and writes checkpoints: where storage keeps nothing, it is never needed. */
export type LoadCheckpoints = () => Promise<typeof Checkpoints>;

/** A state that may be worth a checkpoint. */
export interface Offer {
  /** What it is a state of. */
  readonly scope: Scope;
  /** The states kept of the same store. */
  readonly family: StateFamily;
  /** The state. */
  readonly state: StoreState;
  /** Its type. */
  readonly type: StateType<unknown>;
}

/**
 * Decides when a checkpoint is written, and writes it in the background or at the end.
 *
 * One is due when what was folded since the last one weighs more than that one takes. So writing costs,
 * in all, no more than a constant times what is committed, and a first read no more than a constant
 * times the size of the state. Where storage keeps nothing, states are only measured.
 */
export class CheckpointKeeper {
  readonly #driver: StorageDriver;
  readonly #load: LoadCheckpoints;
  readonly #isDurable: boolean;
  readonly #maxBytes: number;
  #checkpoints: Checkpoints | undefined;
  readonly #listings = new WeakMap<StateFamily, Listing>();
  readonly #damaged = new Set<string>();
  readonly #offers = new Map<string, Offer>();
  readonly #requests = new Map<string, () => Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer was set, and when writing began. */
  #timed = 0;
  #begun = 0;
  #writing: Promise<void> | undefined;
  #isOff = false;

  /** Keeps checkpoints on `driver`. */
  constructor(driver: StorageDriver, load: LoadCheckpoints) {
    this.#driver = driver;
    this.#load = load;
    this.#isDurable = driver.capabilities.durable;
    this.#maxBytes = Math.min(MAX_BODY_BYTES, driver.capabilities.maxValueBytes);
  }

  /** What is in storage. */
  async #open(): Promise<Checkpoints> {
    return this.#checkpoints ??= new (await this.#load())(this.#driver, this.#maxBytes);
  }

  /** The checkpoints of a scope; none when they cannot be read. */
  async list(
    scope: Scope,
    family: StateFamily,
    type: StateType<unknown>,
  ): Promise<readonly Checkpoint[]> {
    if (!this.#isDurable || type.checkpoint === undefined) return [];
    try {
      return (this.#listings.get(family) ?? await this.#refresh(scope, family)).checkpoints;
    } catch (error) {
      log.warn("Checkpoints of store {store} cannot be listed", { store: scope.store, error });
      return [];
    }
  }

  /** The state of a checkpoint; undefined when it cannot be read, and then it is not tried again. */
  async load(
    scope: Scope,
    family: StateFamily,
    checkpoint: Checkpoint,
    type: StateType<unknown>,
  ): Promise<StoreState | undefined> {
    try {
      const pieces = await (await this.#open()).load(scope, checkpoint);
      if (pieces !== undefined) {
        const { tips, last, entries, weight } = checkpoint;
        return { value: await foldPieces(pieces, type), tips, last, entries, weight };
      }
    } catch (error) {
      log.warn("Checkpoint of store {store} cannot be read", { store: scope.store, error });
    }
    this.#giveUp(family, checkpoint);
    return undefined;
  }

  /** Considers a state that was just computed; the newest one of a store takes the place of others. */
  offer(key: string, offer: Offer): void {
    if (this.#isOff || offer.type.checkpoint === undefined || !isDue(offer)) return;
    this.#offers.set(key, offer);
    this.#schedule();
  }

  /** Has a state computed in the background, which is then offered. */
  request(key: string, compute: () => Promise<void>): void {
    if (this.#isOff || !this.#isDurable) return;
    this.#requests.set(key, compute);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined && !isLost(this.#timed)) return;
    this.#timed = performance.now();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#begin();
    }, DELAY);
    // Where a timer can, it lets a process end that has nothing else to do.
    (this.#timer as { unref?(): void }).unref?.();
  }

  #begin(): void {
    const before = this.#underWay();
    this.#begun = performance.now();
    this.#writing = this.#writeAfter(before);
  }

  async #writeAfter(before: Promise<void> | undefined): Promise<void> {
    await before;
    await this.#writeAll();
  }

  #underWay(): Promise<void> | undefined {
    return isLost(this.#begun) ? undefined : this.#writing;
  }

  /** Writes what is due, and nothing from now on. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#underWay();
    if (this.#isDurable && !this.#isOff) await this.#writeAll();
    this.#isOff = true;
    clearTimeout(this.#timer);
    this.#offers.clear();
    this.#requests.clear();
  }

  async #writeAll(): Promise<void> {
    for (const [key, compute] of this.#requests) {
      this.#requests.delete(key);
      await compute().catch((error) => log.debug("No state for a checkpoint", { error }));
    }
    for (const [key, offer] of this.#offers) {
      this.#offers.delete(key);
      if (this.#isOff) return;
      await this.#write(offer).catch((error) => this.#failed(offer, error));
    }
  }

  async #write(offer: Offer): Promise<void> {
    const { scope, family, type } = offer;
    const listing = this.#isDurable ? await this.#refresh(scope, family) : undefined;
    if (!isDue(offer)) return; // another process was faster
    const state = chosen(offer);
    const pieces = await serializePieces(state.value, type, this.#maxBytes);
    const bytes = pieces?.reduce((sum, piece) => sum + piece.length, 0) ?? family.sizeOf(state);
    family.measured(state.weight, bytes);
    if (listing === undefined || pieces === undefined) return;
    await (await this.#open()).write(scope, state, pieces, listing);
    this.#listings.delete(family);
  }

  #failed({ scope, family, state }: Offer, error: unknown): void {
    log.debug("Checkpoint of store {store} was not written", { store: scope.store, error });
    // It is not tried again before the state has grown.
    family.measured(state.weight, family.sizeOf(state));
    if (error instanceof StorageError && ["ReadOnly", "Closed"].includes(error.code)) {
      this.#isOff = true;
    }
  }

  async #refresh(scope: Scope, family: StateFamily): Promise<Listing> {
    const found = await (await this.#open()).list(scope);
    const isSound = ({ name }: Checkpoint) => !this.#damaged.has(toHex(name));
    const checkpoints = found.checkpoints.filter(isSound);
    const damaged = found.checkpoints.filter((one) => !isSound(one)).map(({ name }) => name);
    const listing = { checkpoints, unusable: [...found.unusable, ...damaged] };
    this.#listings.set(family, listing);
    const newest = checkpoints.at(-1);
    if (newest !== undefined && newest.weight > family.ground.weight) {
      family.measured(newest.weight, newest.length);
    }
    return listing;
  }

  /** Has a damaged checkpoint replaced: it does not count any more, so that the next one is due. */
  #giveUp(family: StateFamily, damaged: Checkpoint): void {
    this.#damaged.add(toHex(damaged.name));
    this.#listings.delete(family);
    family.measured(0, 0);
  }
}

function isDue({ family, state }: Offer): boolean {
  return state.weight - family.ground.weight >= threshold(family) + LAG;
}

function threshold({ ground }: StateFamily): number {
  return Math.max(MIN_WEIGHT, ground.bytes);
}

/** The state to be written for one that is due: an earlier one, if there is one not much earlier. */
function chosen({ family, state }: Offer): StoreState {
  const [least, most] = [state.weight - threshold(family) / 2, state.weight - LAG];
  return family.before(state, least, most) ?? state;
}

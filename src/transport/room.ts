/** Room for so many at a time, and for so many of one owner of addresses. */
export class Room {
  readonly #all: number;
  readonly #each: number;
  readonly #of = new Map<string, number>();
  #taken = 0;

  /** Nobody is in. */
  constructor(all: number, each: number) {
    this.#all = all;
    this.#each = each;
  }

  /** Takes a place, for nobody in particular if no owner is named; gives what leaves it, or undefined when there is none. */
  enter(owner: string | undefined): (() => void) | undefined {
    const own = owner === undefined ? 0 : this.#of.get(owner) ?? 0;
    if (this.#taken >= this.#all || own >= this.#each) return undefined;
    this.#taken++;
    if (owner !== undefined) this.#of.set(owner, own + 1);
    return () => this.#leave(owner);
  }

  #leave(owner: string | undefined): void {
    this.#taken--;
    if (owner === undefined) return;
    const left = this.#of.get(owner)! - 1;
    if (left > 0) this.#of.set(owner, left);
    else this.#of.delete(owner);
  }
}

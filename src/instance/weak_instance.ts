import { setInspection } from "#inspect";
import type { Instance } from "./instance.ts";

/** A reference to an instance that does not keep it alive. */
export class WeakInstance {
  readonly #reference: WeakRef<Instance>;

  /** Use `Instance.downgrade`. */
  constructor(instance: Instance) {
    this.#reference = new WeakRef(instance);
  }

  /** The instance; undefined when it was closed, or nothing of it, users and databases, is left. */
  upgrade(): Instance | undefined {
    const instance = this.#reference.deref();
    return instance?.isClosed === false ? instance : undefined;
  }
}

setInspection(WeakInstance, "WeakInstance", (weak) => [weak.upgrade() ?? "gone"]);

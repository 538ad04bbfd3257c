import { unlessAborted } from "../../util/abort.ts";
import { InstanceError, ServiceError } from "../../util/errors.ts";
import type { ReceivedRequest } from "../protocol/messages.ts";

/** Timers take no longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A request from when it was received until it is answered: it may be given up, or take too long. */
export class RequestLife {
  /** The number of the request, if the client has given it one. */
  readonly id: number | undefined;
  readonly #end = new AbortController();
  #over: Promise<unknown> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** A request that was just received. */
  constructor(id: number | undefined, deadlineMs: number | undefined) {
    this.id = id;
    if (deadlineMs === undefined) return;
    const end = () => this.#end.abort(tooLate(deadlineMs));
    this.#timer = setTimeout(end, Math.min(MAX_TIMER_MS, deadlineMs));
  }

  /** The client has given it up. */
  cancel(): void {
    this.#end.abort(givenUp());
  }

  /** Resolves when its work has ended, which may be after it was answered. */
  get over(): Promise<unknown> {
    return this.#over;
  }

  /** It was answered. */
  end(): void {
    clearTimeout(this.#timer);
  }

  /**
   * What `work` gives, unless the request ends first. A submit that was begun is seen through: its answer tells
   * what became of the entry.
   */
  async during<T>(request: ReceivedRequest, work: () => Promise<T>): Promise<T> {
    const { signal } = this.#end;
    if (signal.aborted) throw signal.reason;
    const working = work();
    if (isSubmit(request)) return await working;
    this.#over = working.catch(() => undefined);
    return await unlessAborted(signal, () => working);
  }
}

/** Whether a request writes an entry. */
export function isSubmit(request: ReceivedRequest): boolean {
  return request.type === "AuthenticatedDb" && request.op.type === "SubmitSignedEntry";
}

function tooLate(deadlineMs: number): ServiceError {
  const message = `Cannot answer the request within ${deadlineMs} ms`;
  return new ServiceError("DeadlineExceeded", message, { fields: { deadlineMs } });
}

function givenUp(): InstanceError {
  return new InstanceError("Aborted", "Cannot answer the request: it was given up");
}

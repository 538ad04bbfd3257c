/**
 * A host whose timers and other tasks die with the request that asked for them, as in isolates at the edge, and whose clock
 * the tests move on.
 *
 * @module
 */

type Task = () => void;
const NAMES = ["setTimeout", "setImmediate", "setInterval"] as const;

/** Runs `request`; what it has asked to run later never runs once it has ended. */
export async function asRequest<T>(request: () => Promise<T>): Promise<T> {
  const host = globalThis as unknown as Record<string, (task: Task, ...rest: unknown[]) => unknown>;
  const before = NAMES.map((name) => host[name]!);
  let isOver = false;
  NAMES.forEach((name, at) => {
    const real = before[at]!.bind(globalThis);
    host[name] = (task, ...rest) => real(() => isOver ? undefined : task(), ...rest);
  });
  try {
    return await request();
  } finally {
    isOver = true;
    NAMES.forEach((name, at) => host[name] = before[at]!);
  }
}

/** Runs `work` with a clock that is `ahead` by so many milliseconds. */
export async function ahead<T>(millis: number, work: () => Promise<T>): Promise<T> {
  const now = performance.now.bind(performance);
  const set = (value: () => number) => {
    Object.defineProperty(performance, "now", { configurable: true, writable: true, value });
  };
  set(() => now() + millis);
  try {
    return await work();
  } finally {
    set(now);
  }
}

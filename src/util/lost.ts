import { tasksEndWithRequests } from "./isolate.ts";

/**
 * After so many milliseconds work that others wait for is taken for lost, and they do it themselves. In an edge
 * isolate timers and requests to a storage end with the request that began them: nothing ever settles what waits for
 * them. Work that was only slow is then done twice, so it must be right all the same.
 */
export const LOST_MS: number = tasksEndWithRequests ? 10_000 : 60_000;

/** Whether work that began, or was last heard of, at `since` by `performance.now()` is taken for lost. */
export function isLost(since: number): boolean {
  return performance.now() - since > LOST_MS;
}

/** Waits until there is no work any more, or it is lost; `since` tells when it was last heard of. */
export async function untilLost(
  work: () => Promise<unknown> | undefined,
  since: () => number,
): Promise<void> {
  for (let running = work(); running !== undefined && !isLost(since()); running = work()) {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const lost = new Promise((resolve) => {
      timer = setTimeout(resolve, since() + LOST_MS - performance.now() + 1);
    });
    await Promise.race([running, lost]);
    clearTimeout(timer);
  }
}

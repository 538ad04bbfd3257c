/** Several things at once: for scripts that wait for many processes. */

import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";

/** One more than there are cores, since processes also wait. */
export const JOBS = availableParallelism() + 1;

/** Works on all items, so many at once, in their order; resolves to the results in the order they came. */
export async function inParallel(items, jobs, work) {
  const queue = [...items];
  const results = [];
  const take = async () => {
    while (queue.length > 0) results.push(await work(queue.shift()));
  };
  await Promise.all(Array.from({ length: jobs }, take));
  return results;
}

/** Runs a program to its end; resolves to what it said if it failed, else to undefined. */
export function failureOf(path, args, options) {
  return new Promise((resolve) => {
    execFile(path, args, { encoding: "utf8", ...options }, (error, stdout, stderr) => {
      resolve(error === null ? undefined : `${stdout}${stderr}` || error.message);
    });
  });
}

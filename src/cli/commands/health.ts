import process from "node:process";
import type { Command } from "../frame/command.ts";
import { EXIT, Failure } from "../frame/failure.ts";
import { sortedJson } from "../frame/output.ts";
import { shown } from "../frame/text.ts";
import { millisecondsOf, refuseSeconds } from "../options.ts";

/** Most places that a node may send on to. */
const MAX_REDIRECTS = 10;

/** `eidetica health`: the probe of containers and services. */
export const health: Command = {
  about: "Ask a node whether it is well",
  options: [{
    name: "timeout",
    short: "t",
    value: "TIMEOUT",
    default: "5",
    refuse: refuseSeconds,
    help: "Seconds to wait in all",
  }],
  positionals: [{
    name: "URL",
    optional: true,
    default: "http://127.0.0.1:3000",
    help: "Address of the node; EIDETICA_PORT counts where it is left out",
  }],
  examples: ["eidetica health", "eidetica health -t 1 http://127.0.0.1:8080"],
  run: async ({ values, signal }) => {
    const url = healthUrl(values.get("URL") ?? ownAddress());
    const answer = await ask(url, Number(values.text("timeout")), signal);
    return typeof answer === "string" ? unhealthy(answer) : judge(url, answer);
  },
};

function ownAddress(): string {
  return `http://127.0.0.1:${process.env.EIDETICA_PORT || "3000"}`;
}

function healthUrl(given: string): string {
  const url = given.replace(/\/+$/, "");
  return url.endsWith("/health") ? url : `${url}/health`;
}

function unhealthy(why: string): number {
  // What a node answers may be anything.
  process.stderr.write(`unhealthy: ${shown(why)}\n`);
  return EXIT.failed;
}

/** The answer of a node, or why there is none. */
async function ask(
  url: string,
  seconds: number,
  interrupted: AbortSignal,
): Promise<{ status: number; statusText: string; text: string } | string> {
  const signal = AbortSignal.any([AbortSignal.timeout(millisecondsOf(seconds)), interrupted]);
  try {
    if (seconds === 0) return `failed to connect to ${url}: no time to wait was given`;
    const answer = await follow(url, signal);
    return { status: answer.status, statusText: answer.statusText, text: await answer.text() };
  } catch (error) {
    if (interrupted.aborted) throw interrupted.reason;
    const why = signal.aborted ? `no answer within ${seconds} s` : reasonOf(error);
    return `failed to connect to ${url}: ${why}`;
  }
}

async function follow(url: string, signal: AbortSignal): Promise<Response> {
  for (let at = url, left = MAX_REDIRECTS;; left--) {
    const answer = await fetch(at, { redirect: "manual", signal });
    const next = answer.headers.get("location");
    if (answer.status < 300 || answer.status > 399 || next === null) return answer;
    if (left === 0) throw new Error(`it sends on more than ${MAX_REDIRECTS} times`);
    await answer.body?.cancel();
    at = new URL(next, at).href;
  }
}

/** What went wrong: the innermost error knows. */
function reasonOf(error: unknown): string {
  let inner = error as { cause?: unknown; message?: string; code?: string };
  while (inner.cause instanceof Error) inner = inner.cause as typeof inner;
  return inner.message || inner.code || String(error);
}

function judge(
  url: string,
  { status, statusText, text }: { status: number; statusText: string; text: string },
): number {
  if (status < 200 || status > 299) {
    return unhealthy(`server returned HTTP status ${status} ${statusText}`.trimEnd());
  }
  const json = parsed(url, text);
  const state = (json as { status?: unknown } | null)?.status;
  if (state !== "healthy") {
    return unhealthy(`server returned status ${typeof state === "string" ? state : ""}`);
  }
  process.stdout.write(`healthy: ${sortedJson(json)}\n`);
  return 0;
}

function parsed(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Failure(`Cannot tell whether the node is well: the answer of ${url} is no JSON.`, {
      code: "InvalidAnswer",
      next: "name the address of a node: eidetica health http://127.0.0.1:3000",
      cause,
    });
  }
}

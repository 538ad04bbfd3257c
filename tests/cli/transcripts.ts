/**
 * The recorded runs of the reference's command, and how a run of ours is compared with one.
 *
 * @module
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Facts of a help text. */
export interface HelpFacts {
  readonly usage: readonly string[];
  readonly options: readonly {
    readonly name: string;
    readonly value?: string;
    readonly env?: string;
    readonly default?: string;
    readonly "possible values"?: readonly string[];
  }[];
  readonly commands?: readonly string[];
  readonly arguments?: readonly { readonly name: string; readonly default?: string }[];
}

/** A recorded run. */
export interface Case {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly exit: number;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  readonly stdout?: string;
  readonly stderr?: string;
  readonly stderr_first_line?: string;
  readonly stderr_mentions_usage?: boolean;
  readonly facts?: HelpFacts;
  readonly setup?: string;
  readonly signal?: NodeJS.Signals;
  readonly terminal?: string;
  readonly terminal_answers?: readonly string[];
  readonly requested?: readonly string[];
}

/** All runs, by their place. */
export const CASES: readonly Case[] = (JSON.parse(
  readFileSync(new URL("../vectors/cli-transcripts.json", import.meta.url), "utf8"),
) as { cases: Case[] }).cases;

/** A text without what is different in each run. */
export function normalised(text: string, replace: Readonly<Record<string, string>> = {}): string {
  let found = text;
  for (const [from, to] of Object.entries(replace)) found = found.replaceAll(from, to);
  return found.replaceAll(/ed25519:[A-Za-z0-9+/=]{44}/g, "<KEY>")
    .replaceAll(/bafyr4i[a-z2-7]{52}/g, "<CID>");
}

/** A recorded text without its log lines, which ours writes elsewhere. */
export function withoutLog(text: string): string {
  return text.replaceAll(/^<TIME> .*\n/gm, "");
}

/** A recorded banner without the lines of a transport that ours has not. */
export function withoutIroh(text: string): string {
  return text.replaceAll(/^.*Iroh Node ID.*\n(?:\n(?=Press))?/gm, "");
}

/** Everything below a folder, as the recording lists it. */
export function listing(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true }) as string[];
  return names.map((name) => statSync(join(folder, name)).isDirectory() ? `${name}/` : name).sort();
}

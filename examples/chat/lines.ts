import process from "node:process";
import { createInterface } from "node:readline";
import type { Message, Room } from "./room.ts";

// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** What others have written, as it may be shown: it moves no cursor. */
export function shown(text: string): string {
  return text.replaceAll(CONTROLS, "�");
}

/** A message on one line. */
export function lineOf({ timestamp, author, content }: Message): string {
  const time = new Date(timestamp);
  const clock = Number.isNaN(time.getTime()) ? "??:??:??" : time.toTimeString().slice(0, 8);
  return shown(`[${clock}] ${author}: ${content}`);
}

/** Without a terminal: lines come in and go out until standard input ends. */
export async function talkInLines(room: Room, author: string): Promise<void> {
  const told = new Set<string>();
  const tell = async () => {
    for (const message of await room.messages()) {
      if (told.has(message.id)) continue;
      told.add(message.id);
      console.log(lineOf(message));
    }
  };
  const following = await room.follow(tell);
  await tell();
  for await (const line of createInterface({ input: process.stdin })) await room.send(author, line);
  await tell();
  following[Symbol.dispose]();
}

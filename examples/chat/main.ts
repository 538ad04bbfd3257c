/**
 * A chat in the terminal: a room is a database that everybody with its ticket may write to, and messages are rows of a table. It
 * reads and writes what the Rust project's chat does, over HTTP.
 *
 * ```sh
 * node examples/chat/main.ts -u ada            # makes a room and prints its address
 * node examples/chat/main.ts -u bob 'eidetica:?db=…'
 * ```
 *
 * Without a terminal each line of standard input is a message, and each message a line of standard output.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { setLogSink } from "../../mod.ts";
import { DatabaseTicket } from "../../src/sync/ticket.ts";
import { shown, talkInLines } from "./lines.ts";
import { Room } from "./room.ts";
import { talkOnScreen } from "./screen.ts";

const USAGE = "usage: chat [TICKET] [-u NAME] [--transport http] [--storage URL] [-v]";

const { values, positionals: [ticket, ...others] } = parseArgs({
  allowPositionals: true,
  options: {
    username: { type: "string", short: "u", default: process.env.USER || "Anonymous" },
    transport: { type: "string", default: "http" },
    storage: { type: "string", default: "memory://" },
    verbose: { type: "boolean", short: "v" },
    help: { type: "boolean", short: "h" },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}

/** What the words say, or the end. */
function checked(): DatabaseTicket | undefined {
  const transport = values.transport.toLowerCase();
  if (others.length > 0) fail(USAGE);
  if (transport === "iroh") fail("Error: There is no Iroh here; use --transport http");
  if (transport !== "http") fail(`Error: Invalid transport "${values.transport}"; use http`);
  try {
    return ticket === undefined ? undefined : DatabaseTicket.parse(ticket);
  } catch (error) {
    fail(`Error: Invalid ticket: ${(error as Error).message}`);
  }
}

/** Messages of the library would spoil the screen: errors alone, unless they are asked for. */
function log(): void {
  setLogSink((level, category, template, fields) => {
    if (!values.verbose && level !== "error") return;
    const text = template.replaceAll(/\{(\w+)\}/g, (_, name) => String(fields[name]));
    console.error(shown(`${level} ${category}: ${text}`));
  });
}

if (values.help) console.log(USAGE);
else {
  const parsed = checked();
  log();
  const room = await Room.open(values.storage, values.username, parsed)
    .catch((error) => fail(shown(`Error: ${error.message}`)));
  console.log(
    `Room:     ${shown(room.name)}\nAddress:  ${room.ticket}\nUsername: ${values.username}`,
  );
  const talk = process.stdin.isTTY && process.stdout.isTTY ? talkOnScreen : talkInLines;
  await talk(room, values.username);
  await room.leave();
  process.exit(0);
}

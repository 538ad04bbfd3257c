import process from "node:process";
import { DatabaseTicket } from "../../sync/ticket.ts";
import { tryRead } from "../../util/try_read.ts";
import type { Command, Run } from "../frame/command.ts";
import { shown } from "../frame/text.ts";
import { findDatabase, shortId } from "../databases.ts";
import { authOf } from "../entries.ts";
import { DATABASE, STORAGE } from "../options.ts";
import { placeOf } from "../place.ts";
import { readRunFile } from "../run_file.ts";
import { syncing } from "../sharing.ts";

/** `eidetica db share`. */
export const dbShare: Command = {
  about: "Make a ticket by which others find a database",
  options: [
    {
      name: "address",
      value: "ADDRESS",
      help: "Where others reach this node: host:port, or a URL",
    },
    { name: "no-qr", help: "No QR code on the terminal" },
    ...STORAGE,
  ],
  positionals: [DATABASE],
  examples: ["eidetica db share orchard", "eidetica db share orchard --address node.example:3000"],
  run: (run) =>
    syncing(run, async (user, _sync, instance) => {
      const { root, name } = await findDatabase(instance, run.values.text("DB"));
      await user.share(root);
      const address = run.values.get("address") ?? await served(run);
      const addresses = address === undefined ? [] : [{ transportType: "http", address }];
      const ticket = new DatabaseTicket(root, addresses, { native: addresses.length > 0 })
        .toString();
      const auth = await authOf(await user.openDatabase(root));
      const isOpen = tryRead(() => auth.getGlobalKey())?.isActive === true;
      say(run, shown(name ?? shortId(root)), isOpen, address);
      const json = { ticket, id: root.toString(), addresses: addresses.map((it) => it.address) };
      run.out.result(json, ticket);
      if (run.out.isTerminal && !run.values.has("no-qr")) await showQr(ticket);
    }),
};

/** Where the process listens that serves this storage. */
async function served({ values }: Run): Promise<string | undefined> {
  return (await readRunFile(placeOf(values).folder))?.http ?? undefined;
}

function say({ out }: Run, name: string, isOpen: boolean, address: string | undefined): void {
  out.note(
    isOpen
      ? `Whoever has this ticket can get ${name}.`
      : `Whoever has this ticket can find ${name} and ask for access. Reading needs a listed key. ` +
        "Requests: eidetica requests list",
  );
  if (address === undefined) {
    out.note(
      "Warning: the ticket says no address, because nobody serves: eidetica serve --host HOST.",
    );
  } else if (/^(127\.|localhost|\[?::1)/.test(address)) {
    out.note(
      `Warning: nobody else can reach ${shown(address)}; start with --host, or give --address.`,
    );
  }
}

/** Smallest terminal that shows a code. */
const [MIN_COLUMNS, MIN_ROWS] = [46, 26];

async function showQr(ticket: string): Promise<void> {
  const { columns = 0, rows = 0 } = process.stderr;
  if (process.stderr.isTTY !== true || columns < MIN_COLUMNS || rows < MIN_ROWS) return;
  const { qrText } = await import("../qr.ts");
  process.stderr.write(qrText(ticket));
}

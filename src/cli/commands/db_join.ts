import { type Grantable, permissionOf } from "../../database/grants.ts";
import { countEntries } from "../../console/entry_counts.ts";
import { DatabaseTicket } from "../../sync/ticket.ts";
import type { Sync } from "../../sync/port.ts";
import type { JoinOptions } from "../../user/sharing.ts";
import { isAborted } from "../../util/abort.ts";
import type { Command, Run } from "../frame/command.ts";
import { EXIT } from "../frame/failure.ts";
import { many, shown } from "../frame/text.ts";
import { nameOf, shortId } from "../databases.ts";
import { millisecondsOf, refuseSeconds, STORAGE } from "../options.ts";
import { syncing } from "../sharing.ts";

/** `eidetica db join`. */
export const dbJoin: Command = {
  about: "Get the database of a ticket",
  options: [
    { name: "permission", value: "PERM", help: "What to ask for: read, write:N or admin:N" },
    { name: "note", value: "TEXT", help: "A note for whoever decides" },
    {
      name: "timeout",
      value: "SECONDS",
      default: "0",
      refuse: refuseSeconds,
      help: "How long to wait for whoever decides",
    },
    ...STORAGE,
  ],
  positionals: [{ name: "TICKET", help: "What db share has printed" }],
  examples: ["eidetica db join 'eidetica:?db=bafyr4i…&pr=http:192.0.2.20:3000'"],
  run: (run) =>
    syncing(run, async (user, sync, instance) => {
      const ticket = DatabaseTicket.parse(run.values.text("TICKET"));
      const pending = watchForPending(run, sync);
      const id = ticket.databaseId.toString();
      try {
        await user.join(ticket, { ...wishes(run), signal: pending.signal });
      } catch (error) {
        if (!isAborted(error) || run.signal.aborted) throw error;
        return isPending(run, id, pending.request());
      } finally {
        pending.end();
      }
      const { all: entries } = await countEntries(instance.host.backend, ticket.databaseId);
      const name = await nameOf(instance, ticket.databaseId) ?? shortId(id);
      run.out.result(
        { id, status: "joined", entries },
        `Joined ${shown(name)}: ${many(entries, "entry", "entries")}.`,
      );
    }),
};

function wishes({ values }: Run): Pick<JoinOptions, "permission" | "note"> {
  const permission = values.get("permission");
  const note = values.get("note");
  return {
    ...permission !== undefined && { permission: permissionOf(permission as Grantable, "join") },
    ...note !== undefined && { note },
  };
}

/** Ends the wait some seconds after an administrator has to decide. */
function watchForPending(run: Run, sync: Sync) {
  const late = new AbortController();
  const events = new AbortController();
  let request: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = async () => {
    for await (const event of sync.events({ signal: events.signal })) {
      if (event.type !== "accessPending") continue;
      request = event.request;
      timer ??= setTimeout(() => late.abort(), millisecondsOf(run.values.text("timeout")));
    }
  };
  const looking = look().catch(() => undefined);
  return {
    signal: AbortSignal.any([late.signal, run.signal]),
    request: () => request,
    end: () => {
      clearTimeout(timer);
      events.abort();
      return looking;
    },
  };
}

function isPending({ out }: Run, id: string, request: string | undefined): number {
  const asked = request ?? null;
  out.result(
    { id, status: "pending", request: asked, entries: 0 },
    "Access was asked for, and somebody has to decide.",
  );
  out.note("Next: ask an Admin to run `eidetica requests list`, then join again.");
  return EXIT.waiting;
}

import type { Command, Run } from "../frame/command.ts";
import { shown } from "../frame/text.ts";
import { DRY_RUN, STORAGE } from "../options.ts";
import { pendingRequest, requestJson } from "../requests.ts";
import { acting } from "../session.ts";
import { knownSync } from "../sharing.ts";

const ID = { name: "ID", help: "ID of the request, or its beginning" };

/** `eidetica requests approve`. */
export const requestsApprove: Command = {
  about: "Grant what a request asks for",
  options: [DRY_RUN, ...STORAGE],
  positionals: [ID],
  examples: ["eidetica requests approve 3f2a --dry-run", "eidetica requests approve 3f2a"],
  run: (run) => decide(run, "Approved"),
};

/** `eidetica requests reject`. */
export const requestsReject: Command = {
  about: "Refuse a request",
  options: [DRY_RUN, ...STORAGE],
  positionals: [ID],
  examples: ["eidetica requests reject 3f2a"],
  run: (run) => decide(run, "Rejected"),
};

async function decide(run: Run, state: "Approved" | "Rejected"): Promise<void> {
  await acting(run, async (user, instance) => {
    const sync = await knownSync(instance);
    const [id, request] = await pendingRequest(sync, run.values.text("ID"));
    const isDry = run.values.has("dry-run");
    const key = user.findKey(request.treeId) ?? user.defaultKey();
    if (!isDry && state === "Approved") await user.approveBootstrapRequest(id, key);
    if (!isDry && state === "Rejected") await user.rejectBootstrapRequest(id, key);
    const permission = request.requestedPermission.display();
    const what = `${shown(request.requestingKeyName)}, ${permission}`;
    run.out.result(
      { ...requestJson(id, request), state: isDry ? "Pending" : state, dry_run: isDry },
      isDry ? `Would be ${state}: ${what}. Nothing was written.` : `${state}: ${what}.`,
    );
  });
}

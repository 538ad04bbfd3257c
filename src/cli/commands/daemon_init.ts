import { Instance } from "../../instance/instance.ts";
import { NewUser } from "../../user/new_user.ts";
import type { Command, Run } from "../frame/command.ts";
import { Failure } from "../frame/failure.ts";
import { shown } from "../frame/text.ts";
import { Log } from "../log.ts";
import { explained, makeFolder, type Place, placeOf } from "../place.ts";
import { askSecret, requireTerminal } from "../prompt.ts";
import { announce } from "../storage_log.ts";

/** `eidetica daemon init`: makes an instance with its first administrator. */
export const daemonInit: Command = {
  about: "Create an instance with its first user, who administers it",
  options: [
    { name: "username", value: "USERNAME", required: true, mayBeEmpty: true, help: "Login name" },
    {
      name: "password",
      value: "PASSWORD",
      env: "EIDETICA_ADMIN_PASSWORD",
      mayBeEmpty: true,
      excludes: "passwordless",
      help: "Password; asked for on the terminal where it is left out",
    },
    { name: "passwordless", help: "No password: whoever can read the storage can act as the user" },
  ],
  examples: [
    "eidetica daemon init --username ada",
    "eidetica daemon -d /srv/data init --username ada --passwordless",
  ],
  run: async (run) => {
    const { values, out, signal } = run;
    const log = new Log("info", out.json);
    const user = await newUser(run);
    const place = placeOf(values);
    announce(log, place);
    await makeFolder(place);
    const device = await create(place, user, signal);
    for (const line of lines(place, device, user.username)) out.line(shown(line));
  },
};

function lines(place: Place, device: string, username: string): string[] {
  return [
    `Eidetica instance initialised on ${place.label}`,
    `  Device ID:    ${device}`,
    `  Initial user: ${username}`,
    "",
    "Start the daemon with: `eidetica daemon`",
  ];
}

async function create(place: Place, user: NewUser, signal: AbortSignal): Promise<string> {
  try {
    const created = await Instance.connectOrCreate(place.url, user, { signal });
    await created.instance.close();
    if (created.user !== undefined) return created.instance.id.toString();
  } catch (error) {
    throw explained(place, error);
  }
  throw new Failure(
    `Backend at ${place.label} is already initialised.\n` +
      "Use `eidetica daemon` (no subcommand) to run the existing instance.",
    { code: "InstanceAlreadyExists" },
  );
}

/** The first user, with the password that was given or is asked for. */
async function newUser(run: Run): Promise<NewUser> {
  const { values } = run;
  const name = values.text("username");
  if (values.has("passwordless")) return NewUser.passwordless(name);
  const password = values.get("password") ?? await asked(run, name);
  if (password !== "") return NewUser.withPassword(name, password);
  throw new Failure(
    "Empty password rejected. Pass `--passwordless` to opt in to no-password mode.",
    { code: "EmptyPassword" },
  );
}

async function asked({ values, signal }: Run, name: string): Promise<string> {
  const instead = "--passwordless, or the password in EIDETICA_ADMIN_PASSWORD";
  requireTerminal(values, "a password", instead);
  const first = await askSecret(`Password for new admin user '${shown(name)}': `, signal);
  const second = await askSecret("Re-enter password: ", signal);
  if (first === second) return first;
  throw new Failure("Passwords did not match.", { code: "PasswordsDiffer" });
}

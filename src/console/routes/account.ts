import { deriveKey, newSalt } from "../../keys/sealed.ts";
import type { User } from "../../user/user.ts";
import { EideticaError } from "../../util/errors.ts";
import { Logger } from "../../util/log.ts";
import { forgetToken, keepToken, SESSION_COOKIE, sessionToken } from "../cookies.ts";
import { readForm } from "../forms.ts";
import { loginPage, registerPage, statsPage } from "../pages/account_pages.ts";
import { empty, page, plain, seeOther } from "../replies.ts";
import type { Exchange, Methods, NodeContext } from "../router.ts";

const log = new Logger("console");

/** What everybody is told who cannot be logged in: it is not said whether there is a user of that name. */
const LOGIN_FAILED = "Login failed: there is no such user, or the password is another one";

/** Nobody who has made a name of theirs lead here, and has no password, gets in. */
const NEEDS_PASSWORD =
  "Login failed: without a password one logs in by an IP address, or by a name that the node was told";

const DISABLED =
  "Self-service registration is disabled. Create users via `eidetica daemon init` or contact an administrator.";

/** Codes of what a wrong name or password leads to. */
const REFUSALS = new Set([
  "UserNotFound",
  "UserDisabled",
  "PasswordRequired",
  "InvalidPassword",
  "DecryptionFailed",
  "InvalidArgument",
]);

/** Logging in and out, and asking for an account. */
export function accountRoutes(node: NodeContext): Readonly<Record<string, Methods>> {
  return {
    "/": { GET: ({ session }) => seeOther(session === undefined ? "/login" : "/dashboard") },
    "/login": {
      GET: ({ session }) => session === undefined ? page(loginPage()) : seeOther("/dashboard"),
      POST: (exchange) => logIn(node, exchange),
    },
    "/register": {
      GET: ({ session }) => session === undefined ? page(registerPage()) : seeOther("/dashboard"),
      POST: ({ request }) => register(request),
    },
    "/logout": { POST: (exchange) => logOut(node, exchange) },
    "/stats": { GET: () => page(statsPage(node.sessions.size)) },
  };
}

async function logIn(node: NodeContext, exchange: Exchange): Promise<Response> {
  const form = await readForm(exchange.request, {
    required: ["username"],
    optional: ["password"],
  });
  if (form instanceof Response) return form;
  if (!form["password"] && !exchange.isOwnName) return page(loginPage(NEEDS_PASSWORD), 403);
  const attempt = { name: form["username"]!, host: exchange.host };
  const seconds = node.attempts.begin(attempt);
  if (seconds > 0) return tooMany(seconds, attempt.name);
  // A field that was left empty is sent by browsers all the same.
  const user = await userOf(node, attempt.name, form["password"] || undefined);
  if (user === undefined) return page(loginPage(LOGIN_FAILED, attempt.name), 401);
  node.attempts.succeeded(attempt);
  await follow(node, user);
  return begin(node, exchange, user);
}

function begin({ sessions }: NodeContext, { isSecure }: Exchange, user: User): Response {
  const { token } = sessions.begin(user);
  const headers = { location: "/dashboard", "set-cookie": keepToken(token, isSecure) };
  return empty(303, headers);
}

function tooMany(seconds: number, name: string): Response {
  const error = `Login failed: too many attempts; try again in ${seconds} seconds`;
  return page(loginPage(error, name), 429, { "retry-after": String(seconds) });
}

async function userOf(
  { instance }: NodeContext,
  name: string,
  password: string | undefined,
): Promise<User | undefined> {
  try {
    return await instance.loginUser(name, password);
  } catch (error) {
    if (!(error instanceof EideticaError) || !REFUSALS.has(error.code)) throw error;
    // Else the time would tell what the text does not.
    if (error.code !== "DecryptionFailed" && password !== undefined) {
      await deriveKey(password, newSalt(instance.host.random));
    }
    log.debug("a login was refused: {code}", { code: error.code });
    return undefined;
  }
}

/** What the user wants synchronised is so from now on, as after any login. */
async function follow({ instance: { sync } }: NodeContext, user: User): Promise<void> {
  await sync?.syncUser(user.uuid, user.database.rootId).catch((error) => {
    log.warn("cannot read what a user wants: {error}", { error });
  });
}

async function register(request: Request): Promise<Response> {
  const form = await readForm(request, {
    required: ["username"],
    optional: ["password", "password_confirm"],
  });
  if (form instanceof Response) return form;
  const { username = "", password = "", password_confirm = "" } = form;
  const refuse = (status: number, error: string) => page(registerPage(error, username), status);
  if (username === "") return refuse(422, "Username cannot be empty");
  if (password !== "" && password !== password_confirm) {
    return refuse(422, "Passwords do not match");
  }
  return refuse(403, DISABLED);
}

async function logOut({ sessions }: NodeContext, exchange: Exchange): Promise<Response> {
  const { request, session, isSecure } = exchange;
  if (session !== undefined) {
    const form = await readForm(request, { required: ["csrf"] });
    if (form instanceof Response) return form;
    if (form["csrf"] !== session.csrf) return foreignForm();
    sessions.end(session);
  } else {
    await request.body?.cancel().catch(() => {});
  }
  const hadCookie = sessionToken(request) !== undefined;
  return empty(303, {
    location: "/login",
    ...hadCookie ? { "set-cookie": forgetToken(isSecure) } : {},
  });
}

/** The answer to a form that no page of this session has made. */
export function foreignForm(): Response {
  return plain(403, `This form is not of your session: load the page again (${SESSION_COOKIE})`);
}

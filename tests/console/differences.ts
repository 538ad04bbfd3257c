/**
 * Where our node answers otherwise than the recorded one, on purpose. `docs/node.md` says the same in words. Each is
 * used by the test, or it fails.
 */

import type { Answer, Recorded } from "./transcripts.ts";

/** One deliberate difference. */
export interface Difference {
  /** What is different, and why. */
  readonly why: string;
  /** The answer as ours is, made of the recorded one; the same object where there is no difference. */
  readonly change: (answer: Answer, one: Recorded) => Answer;
}

const HTML = "text/html; charset=utf-8";
const PLAIN = "text/plain; charset=utf-8";

const LOGIN_FAILED = "Login failed: there is no such user, or the password is another one";

function withError(answer: Answer, status: number, error: string): Answer {
  return { ...answer, status, page: { ...answer.page, error } };
}

function withPage(answer: Answer, page: Readonly<Record<string, unknown>>): Answer {
  return { ...answer, page: { ...answer.page, ...page } };
}

const isDashboard = ({ page }: Answer) => page?.["title"] === "Eidetica - Dashboard";

/** All of them. */
export const DIFFERENCES: readonly Difference[] = [
  {
    why:
      "cookies are SameSite, and removed with the path that they were set with, or browsers keep them",
    change: (answer) => ({
      ...answer,
      cookies: answer.cookies.map((cookie) =>
        cookie.includes("Max-Age=0")
          ? "eidetica_session=; Max-Age=0; Expires=<past>; HttpOnly; SameSite=Strict; Path=/"
          : "eidetica_session=<UUID>; HttpOnly; SameSite=Strict; Path=/"
      ),
    }),
  },
  {
    why: "an empty password is none: browsers send the field of a passwordless user all the same",
    change: (answer, { body }) =>
      body !== "username=ada&password=" ? answer : {
        status: 303,
        location: "/dashboard",
        cookies: ["eidetica_session=<UUID>; HttpOnly; SameSite=Strict; Path=/"],
        body: "",
      },
  },
  {
    why: "it is logged in one time more, for that reason",
    change: (answer) =>
      answer.text?.["stats"] === undefined ? answer : {
        ...answer,
        text: {
          stats: (answer.text["stats"] as string[]).map((line) =>
            line.replace(/\d+$/, (count) => String(Number(count) + 1))
          ),
        },
      },
  },
  {
    why: "a failed login is 401, and its text does not tell whether there is such a user",
    change: (answer) =>
      !String(answer.page?.["error"]).startsWith("Login failed")
        ? answer
        : withError(answer, 401, LOGIN_FAILED),
  },
  {
    why: "a refused registration has a status that says so",
    change: (answer, { path, method }) => {
      if (path !== "/register" || method !== "POST" || answer.status !== 200) return answer;
      const error = String(answer.page?.["error"]);
      return withError(answer, error.startsWith("Self-service") ? 403 : 422, error);
    },
  },
  {
    why: "headings hold no buttons, and the page of a database is named by the database",
    change: (answer) => {
      const [first = "", ...rest] = (answer.page?.["headings"] ?? []) as string[];
      if (first === "Eidetica Dashboard Logout") {
        return withPage(answer, { headings: ["Eidetica Dashboard", ...rest] });
      }
      return first.startsWith("← Dashboard") ? withPage(answer, { headings: rest }) : answer;
    },
  },
  {
    why: "reloading is a link, which needs no script",
    change: (answer, { path }) => {
      if (answer.page?.["title"] !== "Eidetica - Database Detail") return answer;
      const id = path.replace(/^.*id=([A-Za-z0-9<>]+).*$/, "$1");
      const link = `/dashboard/database?id=${id.startsWith("BAFY") ? id.toLowerCase() : id}`;
      return withPage(answer, { links: ["/dashboard", link] });
    },
  },
  {
    why: "the list of entries does not end behind the first hundred: there are more pages",
    change: (answer) => {
      const [tables] = (answer.page?.["tables"] ?? []) as { row_count?: number }[];
      if (tables?.row_count === undefined) return answer;
      const [dashboard, link] = answer.page!["links"] as string[];
      const next = `${link}&page=2`;
      return withPage(answer, { links: [dashboard, link, next, next] });
    },
  },
  {
    why: "forms of who is logged in hold a token",
    change: (answer) => {
      const forms = answer.page?.["forms"] as { action: string; fields: unknown[] }[] | undefined;
      if (!isDashboard(answer) || forms === undefined) return answer;
      const csrf = { type: "hidden", name: "csrf" };
      return withPage(answer, {
        forms: forms.map((form) => ({ ...form, fields: [csrf, ...form.fields] })),
      });
    },
  },
  {
    why: "the dashboard leads to the console",
    change: (answer) => {
      const links = answer.page?.["links"] as string[] | undefined;
      if (!isDashboard(answer) || links === undefined) return answer;
      return withPage(answer, { links: ["/console", ...links] });
    },
  },
  {
    why: "an untracked database is 404, and no ID at all is no ID",
    change: (answer, { path }) => {
      if (!answer.body?.startsWith("Failed to get tracked database")) return answer;
      return path.endsWith("?id=")
        ? { ...answer, status: 400, body: "Invalid database ID" }
        : { ...answer, status: 404 };
    },
  },
  {
    why:
      "what came of a request for access stands on the dashboard, with a status that says whose affair it is",
    change: (answer) => {
      const { body = "" } = answer;
      if (!body.startsWith("Failed to request database access")) return answer;
      const page = { title: "Eidetica - Dashboard", error: body };
      const outcome = { ...answer, contentType: HTML, body: undefined, text: undefined };
      if (body.includes("pending approval")) {
        return { ...outcome, status: 202, page: { title: page.title } };
      }
      return { ...outcome, status: body.includes("Invalid address") ? 400 : 502, page };
    },
  },
  {
    why: "errors are said in our words",
    change: (answer, one) => {
      const { body, page } = answer;
      const text = (it: string) =>
        OUR_WORDS.reduce((all, [theirs, ours]) => all.replace(theirs, ours), it);
      if (page?.["error"] !== undefined) {
        return withPage(answer, { error: text(String(page["error"])) });
      }
      if (one.name === "api: above 2 MiB") {
        return { ...answer, body: "The request has more than 2097152 bytes: send it in parts" };
      }
      return answer.contentType === PLAIN ? { ...answer, body: text(body!) } : answer;
    },
  },
];

/** Texts of the reference, and ours in their place. */
const OUR_WORDS: readonly (readonly [RegExp, string])[] = [
  [/Failed to connect to ([\d.]+:<CLOSED>): .*$/, "Cannot reach $1"],
  [/Network error: Peer returned error/, "The peer refused"],
  [/Failed to parse multihash/, '"nope" begins with no known multibase prefix'],
  [/^.* EOF while parsing an object .*$/, "Cannot read a sync message: a name must be a text"],
  [
    /^.* (?:EOF while parsing a value|expected value) .*$/,
    'Cannot read a sync message: expected "{"',
  ],
  [
    /^.* unknown variant `Nope`.*$/,
    "Cannot read a sync message: expected a message: Handshake, SyncTree, SendEntries",
  ],
];

/** An answer of the JSON API. */
export function json(value: unknown, status = 200): Response {
  const headers = { "content-type": "application/json", "cache-control": "no-store, private" };
  return new Response(JSON.stringify(value), { status, headers });
}

/** A refusal: `{ error: { code, message } }`. */
export function refuse(status: number, code: string, message: string): Response {
  return json({ error: { code, message } }, status);
}

/** Somebody who is not logged in. */
export function noSession(): Response {
  return refuse(401, "NoSession", "Log in first: the session has ended, or there was none");
}

/** What is not there, or what this user was never told of: the answer is the same. */
export function notFound(): Response {
  return refuse(404, "NotFound", "There is no such thing here");
}

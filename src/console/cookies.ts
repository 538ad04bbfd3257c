/** Name of the cookie that holds the token of a session. */
export const SESSION_COOKIE = "eidetica_session";

/** The token that a request brings along; undefined when it brings none. Of several the first counts. */
export function sessionToken(request: Request): string | undefined {
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [name = "", ...value] = pair.split("=");
    if (name.trim() === SESSION_COOKIE) return value.join("=").trim();
  }
  return undefined;
}

/** Has a browser keep a token until it is closed. */
export function keepToken(token: string, isSecure: boolean): string {
  return `${SESSION_COOKIE}=${token}; ${attributes(isSecure)}`;
}

/** Has a browser forget its token. */
export function forgetToken(isSecure: boolean): string {
  return `${SESSION_COOKIE}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; ${
    attributes(isSecure)
  }`;
}

function attributes(isSecure: boolean): string {
  return `HttpOnly; SameSite=Strict; Path=/${isSecure ? "; Secure" : ""}`;
}

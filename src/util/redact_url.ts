/** Members of a query whose values nobody is to see. */
export const SECRET_MEMBER: RegExp = /([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&]*/gi;

/**
 * A URL, or what was meant to be one, without the password in it: for messages and logs. Passwords that
 * were not percent-encoded may hold any character, so all up to the last `@` is taken for one.
 */
export function redactUrl(url: string): string {
  const end = url.lastIndexOf("@");
  if (end < 0) return url.replace(SECRET_MEMBER, "$1***");
  const separator = url.indexOf("://");
  const start = separator < 0 || separator > end ? 0 : separator + "://".length;
  const colon = url.indexOf(":", start);
  const rest = url.slice(end).replace(SECRET_MEMBER, "$1***");
  return colon < 0 || colon > end
    ? url.slice(0, end).replace(SECRET_MEMBER, "$1***") + rest
    : `${url.slice(0, colon)}:***${rest}`;
}

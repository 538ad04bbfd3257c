/**
 * Whether a request was made by a page of this node, or by no page at all. Browsers say where a request comes from, and
 * pages cannot make them say something else; programs say nothing.
 */
export function isFromOwnSite({ headers }: Request, url: URL, hosts: readonly string[]): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" || site === "none";
  const origin = headers.get("origin");
  if (origin === null) return true;
  const host = URL.canParse(origin) ? new URL(origin).host : undefined;
  return host !== undefined && (host === url.host || hosts.includes(host));
}

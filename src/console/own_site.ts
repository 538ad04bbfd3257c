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

/**
 * Whether a URL names this node in a way that nobody else can make lead here. Any name of a foreign domain can be made to
 * (DNS rebinding), and pages of that domain are then of this site for browsers; an address and `localhost` cannot.
 */
export function isOwnName({ host, hostname }: URL, hosts: readonly string[]): boolean {
  return hosts.includes(host) ||
    /^(?:(?:.+\.)?localhost|\[.*\]|\d+\.\d+\.\d+\.\d+)$/.test(hostname);
}

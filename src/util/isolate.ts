interface Host {
  readonly navigator?: { readonly userAgent?: string };
  readonly EdgeRuntime?: unknown;
}

/**
 * Whether what a request has begun ends with it, as in isolates at the edge: timers never fire, and promises never
 * settle, not even for other requests that wait for them. Clocks stand still there while work goes on.
 */
export const tasksEndWithRequests: boolean = isIsolate(globalThis as Host);

function isIsolate({ navigator, EdgeRuntime }: Host): boolean {
  return EdgeRuntime !== undefined || navigator?.userAgent === "Cloudflare-Workers";
}

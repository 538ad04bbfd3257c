/** Sockets of this machine, loaded by those who serve them or look for them. */
export function sockets(): Promise<typeof import("../service/edge/mod.ts")> {
  return import("../service/edge/mod.ts");
}

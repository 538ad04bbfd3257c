/** Sockets of this machine, loaded by those who serve them or look for them. */
export function sockets(): Promise<typeof import("../service/edge/mod.ts")> {
  return import("../service/edge/mod.ts");
}

/** Whether processes of this machine are still there, loaded by those who say that they are, or ask. */
export function holders(): Promise<typeof import("../storage/shared/holder.ts")> {
  return import("../storage/shared/holder.ts");
}

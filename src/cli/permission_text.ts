import type { Permission } from "../auth/permission.ts";

/** A permission as options take it and programs read it: `read`, `write:N` or `admin:N`. */
export function permissionText(permission: Permission): string {
  return permission.display().toLowerCase().replace("(", ":").replace(")", "");
}

/**
 * A disk of a few megabytes that can be filled, enlarged and made read-only. Only root can mount it.
 *
 * @module
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A mounted disk. */
export interface SmallDisk {
  /** Where it is mounted. */
  readonly folder: string;
  /** Gives it another size, in megabytes. */
  resize(megabytes: number): void;
  /** Lets nobody write any more; no file may be open. */
  freeze(): void;
  /** Lets everybody write again. */
  thaw(): void;
}

/** Why no disk can be mounted here; false when one can. */
export function noDisk(): string | false {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-disk-"));
  const isMounted = mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", folder);
  if (isMounted) spawnSync("umount", [folder]);
  rmSync(folder, { recursive: true, force: true });
  return !isMounted && "only root can mount a small disk";
}

/** Runs `test` on a disk of `megabytes`, which is gone afterwards. */
export async function withDisk(
  megabytes: number,
  test: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "eidetica-disk-"));
  demand("-t", "tmpfs", "-o", `size=${megabytes}m,mode=0700`, "tmpfs", folder);
  try {
    await test({
      folder,
      resize: (size) => demand("-o", `remount,size=${size}m`, folder),
      freeze: () => demand("-o", "remount,ro", folder),
      thaw: () => demand("-o", "remount,rw", folder),
    });
  } finally {
    spawnSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true, force: true });
  }
}

function mount(...args: string[]): boolean {
  return spawnSync("mount", args, { stdio: "ignore" }).status === 0;
}

function demand(...args: string[]): void {
  if (!mount(...args)) throw new Error(`mount ${args.join(" ")} failed`);
}

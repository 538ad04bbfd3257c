import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import process from "node:process";
import { Failure } from "./frame/failure.ts";

/** Where lines go. A file has its name when it is whole, and not before. */
export interface Sink {
  /** Writes a text; gives its bytes. */
  write(text: string): Promise<number>;
  /** All was written. */
  keep(): Promise<void>;
  /** Not all could be written. */
  discard(): Promise<void>;
}

/** What a path means: a file, a device or pipe, or standard output where none is named. */
export async function sinkOf(path: string | undefined): Promise<Sink> {
  if (path === undefined || path === "-") return STDOUT;
  return await attempt(path, async () => {
    const found = await stat(path).catch(() => undefined);
    // What is no file, such as /dev/null, must not be replaced by one.
    if (found !== undefined && !found.isFile()) return toDevice(await open(path, "w"));
    return await toFile(found === undefined ? path : await realpath(path));
  });
}

/** Writes a whole text to what a path means. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const sink = await sinkOf(path);
  try {
    await sink.write(text);
    await sink.keep();
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function attempt<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    const { code = "Io" } = cause as { code?: string };
    const message = `Cannot write the file "${path}": the system says ${code}.`;
    throw new Failure(message, { code, cause });
  }
}

async function toFile(path: string): Promise<Sink> {
  // A name of its own: two exports to one file do not write over each other, and the last to end counts.
  const aside = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
  const file = await open(aside, "wx", 0o600);
  return {
    write: (text) => attempt(path, () => writeAll(file, text)),
    keep: () =>
      attempt(path, async () => {
        // It is on the disk before it has its name, also when the machine stops.
        await file.sync();
        await file.close();
        await rename(aside, path);
      }),
    discard: async () => {
      // It may be closed already.
      await file.close().catch(() => undefined);
      await rm(aside, { force: true });
    },
  };
}

function toDevice(file: FileHandle): Sink {
  const close = () => file.close();
  return { write: (text) => writeAll(file, text), keep: close, discard: close };
}

/** The system may take less at once than there is. */
async function writeAll(file: FileHandle, text: string): Promise<number> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes.subarray(at))).bytesWritten;
  return bytes.length;
}

const STDOUT: Sink = {
  write: (text) =>
    new Promise((resolve, reject) => {
      const { length } = new TextEncoder().encode(text);
      process.stdout.write(text, (error) => error ? reject(error) : resolve(length));
    }),
  keep: () => Promise.resolve(),
  discard: () => Promise.resolve(),
};

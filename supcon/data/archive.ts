import { createReadStream, createWriteStream, openSync, readSync, closeSync } from "node:fs";
import { basename, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
import { isGzip } from "./content.ts";
import { DataError } from "./dataset.ts";
import { reasonOf } from "../reason.ts";

/**
 * Unpacks the files whose names (without their folders) `isWanted` accepts from a tar archive, compressed by gzip or not,
 * into `folder`, without their folders. Links are never made. Returns the paths by name.
 *
 * @throws DataError for an archive that is broken or cut short, or has an entry that would leave the folder that it is unpacked
 * into: then whoever made it means harm.
 */
export async function extractFiles(
  archive: string,
  isWanted: (name: string) => boolean,
  folder: string,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const extract = tar.extract();
  const input = createReadStream(archive);
  const fed = startsAsGzip(archive) ? pipeline(input, createGunzip(), extract) : pipeline(input, extract);
  const unpacked = (async () => {
    for await (const entry of extract) {
      const { name, type } = entry.header;
      if (leaves(name)) {
        throw new DataError(
          `${archive}: expected files within one folder, got "${name}", which leads out of it; do not trust this archive`,
        );
      }
      if (type === "file" && isWanted(basename(name))) {
        const path = join(folder, basename(name));
        await pipeline(entry, createWriteStream(path));
        found.set(basename(name), path);
      } else entry.resume();
    }
  })();
  const failures = (await Promise.allSettled([unpacked, fed])).flatMap((each): unknown[] =>
    each.status === "rejected" ? [each.reason] : [],
  );
  const cause = failures.find((failure) => failure instanceof DataError) ?? failures.at(-1);
  if (cause instanceof DataError) throw cause;
  if (cause !== undefined) {
    throw new DataError(
      `${archive}: expected a whole tar archive, got "${reasonOf(cause)}"; fetch the file again`,
      { cause },
    );
  }
  return found;
}

/** Whether a path in an archive is absolute, on any system, or climbs above its start. */
function leaves(name: string): boolean {
  const path = name.replaceAll("\\", "/");
  return path.startsWith("/") || /^[a-z]:/i.test(path) || posix.normalize(path).split("/").includes("..");
}

function startsAsGzip(path: string): boolean {
  const start = new Uint8Array(2);
  const file = openSync(path, "r");
  try {
    readSync(file, start);
  } finally {
    closeSync(file);
  }
  return isGzip(start);
}

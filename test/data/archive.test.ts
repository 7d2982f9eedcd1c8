import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import tar from "tar-stream";
import type { Header } from "tar-stream";
import { extractFiles } from "../../supcon/data/archive.ts";
import { refusal } from "./refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-archive-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

async function archive(
  ...entries: readonly [header: Partial<Header> & { name: string }, content: string][]
): Promise<Buffer> {
  const pack = tar.pack();
  for (const [header, content] of entries) pack.entry(header, content);
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

let number = 0;
/** Unpacks into a folder of its own within a parent that must stay as it is. */
async function unpack(bytes: Uint8Array) {
  const parent = join(folder, String(number++));
  const target = join(parent, "target");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(parent, "a.tar"), bytes);
  try {
    const found = await extractFiles(join(parent, "a.tar"), (name) => name.endsWith(".bin"), target);
    return { found, target };
  } finally {
    assert.deepEqual(readdirSync(parent).sort(), ["a.tar", "target"], "nothing is written beside the folder");
  }
}

describe("extractFiles", () => {
  it("unpacks wanted files without their folders, compressed or not, and nothing else", async () => {
    const plain = await archive(
      [{ name: "set/", type: "directory" }, ""],
      [{ name: "set/a.bin" }, "alpha"],
      [{ name: "set/readme.html" }, "text"],
      [{ name: "./set/b.bin" }, "beta"],
      [{ name: "set/link.bin", type: "symlink", linkname: "/etc/passwd" }, ""],
    );
    for (const bytes of [plain, gzipSync(plain)]) {
      const { found, target } = await unpack(bytes);
      assert.deepEqual([...found.keys()], ["a.bin", "b.bin"]);
      assert.deepEqual(readdirSync(target), ["a.bin", "b.bin"]);
      assert.equal(readFileSync(join(target, "b.bin"), "utf8"), "beta");
    }
  });

  for (const name of [
    "../evil.bin",
    "set/../../evil.bin",
    "/tmp/evil.bin",
    "..\\evil.bin",
    "C:\\evil.bin",
    "../evil.txt",
  ]) {
    it(`refuses an archive with ${name}`, async () => {
      const bytes = await archive([{ name: "a.bin" }, "alpha"], [{ name }, "evil"]);
      await assert.rejects(unpack(bytes), refusal(/expected files within one folder, got ".*evil\.\w+", which leads out of it/)); // prettier-ignore
    });
  }

  it("refuses archives that are cut short, broken or none", async () => {
    const plain = await archive([{ name: "a.bin" }, "alpha".repeat(1000)]);
    const broken = Buffer.from(gzipSync(plain));
    broken[20] = (broken[20] ?? 0) ^ 255;
    const noTar = new TextEncoder().encode("<html>not found</html>".repeat(100));
    for (const bytes of [
      plain.subarray(0, 3000),
      gzipSync(plain).subarray(0, -12),
      broken,
      noTar,
      gzipSync(noTar),
    ]) {
      await assert.rejects(unpack(bytes), refusal(/a\.tar: expected a whole tar archive, got ".+"; fetch the file again/)); // prettier-ignore
    }
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { download, DownloadError } from "../../supcon/data/download.ts";
import type { Download } from "../../supcon/data/download.ts";
import { refusal } from "./refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-download-"));
const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 7);
const sha256 = createHash("sha256").update(content).digest("hex");

/** What the server was asked for, and how it answers. */
const server = { ranges: [] as (string | undefined)[], hasRanges: true, cutAfter: Infinity, status: 200 };
const http = createServer((request, response) => {
  const { range } = request.headers;
  server.ranges.push(range);
  const start = server.hasRanges ? Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1] ?? 0) : 0;
  const body = content.subarray(start, start + server.cutAfter);
  response.writeHead(server.status === 200 && start > 0 ? 206 : server.status, { "content-length": content.length - start }); // prettier-ignore
  response.write(body, () => {
    if (start + body.length < content.length) response.destroy();
    else response.end();
  });
});
let url = "";
before(async () => {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/file`;
});
after(() => {
  http.closeAllConnections();
  http.close();
  rmSync(folder, { recursive: true });
});

let path = "";
beforeEach(() => {
  Object.assign(server, { ranges: [], hasRanges: true, cutAfter: Infinity, status: 200 });
  path = join(mkdtempSync(join(folder, "d-")), "file");
});
const get = (
  changes: Partial<Download> = {},
  onProgress: (done: number, total: number) => void = () => undefined,
) => download({ url, bytes: content.length, sha256, ...changes }, path, onProgress);

describe("download", () => {
  it("brings the file and tells how far it has come", async () => {
    const told: number[] = [];
    await get({}, (done, total) => {
      assert.equal(total, content.length);
      told.push(done);
    });
    assert.deepEqual(new Uint8Array(readFileSync(path)), content);
    assert.equal(told.at(-1), content.length);
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
    assert.ok(!existsSync(`${path}.part`));
  });

  it("goes on where a connection broke off", async () => {
    server.cutAfter = 100_000;
    await assert.rejects(get(), refusal(/try again, it goes on from/, DownloadError));
    assert.ok(!existsSync(path), "no file by that name before it is whole");
    const had = readFileSync(`${path}.part`).length;
    assert.ok(had > 0 && had <= 100_000);
    server.cutAfter = Infinity;
    await get();
    assert.deepEqual(server.ranges, [undefined, `bytes=${had}-`]);
    assert.deepEqual(new Uint8Array(readFileSync(path)), content);
  });

  it("begins anew where a server has no ranges", async () => {
    writeFileSync(`${path}.part`, content.subarray(0, 1000));
    server.hasRanges = false;
    await get();
    assert.deepEqual(server.ranges, ["bytes=1000-"]);
    assert.deepEqual(new Uint8Array(readFileSync(path)), content);
  });

  it("asks nobody for what is whole but had no name yet", async () => {
    writeFileSync(`${path}.part`, content);
    await get();
    assert.deepEqual(server.ranges, []);
    assert.deepEqual(new Uint8Array(readFileSync(path)), content);
  });

  it("refuses another file, and forgets it", async () => {
    const other = "0".repeat(64);
    await assert.rejects(get({ sha256: other }), refusal(new RegExp(`SHA-256 ${other}, got ${sha256}`)));
    assert.ok(!existsSync(path) && !existsSync(`${path}.part`));
    await assert.rejects(get({ bytes: 1000 }), refusal(/expected 1000 bytes, got more/));
  });

  it("says what a server answers, and that there is none", async () => {
    server.status = 404;
    await assert.rejects(get(), refusal(/expected the file, the server answered 404/, DownloadError));
    await assert.rejects(get({ url: "http://127.0.0.1:1/file" }), refusal(/expected an answer, got ".+"/, DownloadError)); // prettier-ignore
  });
});

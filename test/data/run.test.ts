import assert from "node:assert/strict";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { atomicWrite } from "../../supcon/run/atomic.ts";
import { MetricsWriter } from "../../supcon/run/metrics.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spheregrad-run-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("atomicWrite", () => {
  it("writes text and bytes, and leaves no other file", () => {
    const path = join(folder, "a.json");
    atomicWrite(path, "one");
    assert.equal(readFileSync(path, "utf8"), "one");
    atomicWrite(path, Uint8Array.of(1, 2, 255));
    assert.deepEqual([...readFileSync(path)], [1, 2, 255]);
    assert.deepEqual(readdirSync(folder), ["a.json"]);
  });

  it("replaces the file rather than writing into it", () => {
    const path = join(folder, "a");
    atomicWrite(path, "old content");
    const reader = openSync(path, "r");
    atomicWrite(path, "new");
    assert.equal(readFileSync(reader, "utf8"), "old content");
    closeSync(reader);
  });

  it("cleans up and throws when it fails", () => {
    const path = join(folder, "taken");
    mkdirSync(path);
    assert.throws(() => {
      atomicWrite(path, "x");
    });
    assert.deepEqual(readdirSync(folder), ["taken"]);
    assert.throws(() => {
      atomicWrite(join(folder, "absent", "x"), "x");
    }, /ENOENT/);
  });
});

describe("MetricsWriter", () => {
  const columns = ["step", "loss", "phase"] as const;
  const read = () => readFileSync(join(folder, "metrics.csv"), "utf8");
  const open = (keepRows?: number) => new MetricsWriter(join(folder, "metrics.csv"), columns, keepRows);

  it("writes the header once and each row at once", () => {
    const metrics = open();
    assert.equal(read(), "step,loss,phase\n");
    metrics.append({ step: 1, loss: 0.5, phase: "pretrain" });
    assert.equal(read(), "step,loss,phase\n1,0.5,pretrain\n");
    metrics.append({ phase: "linear", step: 2 });
    metrics.append({ step: 3, loss: NaN });
    metrics.close();
    assert.equal(read(), "step,loss,phase\n1,0.5,pretrain\n2,,linear\n3,NaN,\n");
  });

  it("starts anew by default", () => {
    {
      using metrics = open();
      metrics.append({ step: 1 });
    }
    open().close();
    assert.equal(read(), "step,loss,phase\n");
  });

  it("resumes at a row, dropping later ones and a line cut short", () => {
    writeFileSync(join(folder, "metrics.csv"), "step,loss,phase\n1,1,a\n2,2,a\n3,3,a\n4,");
    const metrics = open(2);
    metrics.append({ step: 30 });
    metrics.close();
    assert.equal(read(), "step,loss,phase\n1,1,a\n2,2,a\n30,,\n");
  });

  it("refuses to resume a file of other columns or with fewer rows, and leaves it alone", () => {
    const other = "step,accuracy\n1,1\n";
    writeFileSync(join(folder, "metrics.csv"), other);
    assert.throws(() => open(1), ValueError);
    assert.equal(read(), other);
    const short = "step,loss,phase\n1,1,a\n2,";
    writeFileSync(join(folder, "metrics.csv"), short);
    assert.throws(() => open(2), ValueError);
    assert.equal(read(), short);
  });

  it("refuses a value that would break the line, or an unknown column, and writes nothing", () => {
    using metrics = open();
    for (const phase of ["a,b", 'say "x"', "two\nlines"]) {
      assert.throws(() => {
        metrics.append({ step: 1, phase });
      }, ValueError);
    }
    const wider: Record<string, number> = { step: 1, lr: 2 };
    assert.throws(() => {
      metrics.append(wider);
    }, ValueError);
    assert.equal(read(), "step,loss,phase\n");
  });
});

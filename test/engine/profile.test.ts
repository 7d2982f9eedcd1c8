import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { formatProfile } from "../../engine/profile-table.ts";
import { chromeTrace, timesByKernel } from "../../engine/profile.ts";
import type { KernelCall } from "../../engine/profile.ts";
import { matmul } from "../../kernels/matmul/matmul.kernels.ts";

const calls: KernelCall[] = [
  { name: "copy", start: 0, milliseconds: 1, bytes: 4e6, operations: 0 },
  { name: "product", start: 1, milliseconds: 6, bytes: 1e3, operations: 12e9 },
  { name: "copy", start: 8, milliseconds: 1, bytes: 2e6, operations: 0 },
];

describe("profile", () => {
  it("adds calls up by kernel, the longest first", () => {
    assert.deepEqual(timesByKernel(calls), [
      { name: "product", calls: 1, milliseconds: 6, bytes: 1e3, operations: 12e9 },
      { name: "copy", calls: 2, milliseconds: 2, bytes: 6e6, operations: 0 },
    ]);
  });

  it("says what was fast by what bounds it, and leaves the rest of the time to the host", () => {
    const table = formatProfile(timesByKernel(calls), 10, { operations: 4e12, bytes: 12e9 });
    assert.deepEqual(table.split("\n").map((line) => line.replace(/ +/g, " ")), [
      "kernel calls ms share speed of ceiling",
      "product 1 6.0 60.0 % 2000.0 GFLOP/s 50 %",
      "copy 2 2.0 20.0 % 3.0 GB/s 25 %",
      "(host) 2.0 20.0 %",
      "(all) 10.0 100.0 %",
    ]); // prettier-ignore
    assert.doesNotMatch(formatProfile(timesByKernel(calls), 10), /ceiling/);
  });

  it("becomes a trace, in microseconds", () => {
    const { traceEvents } = JSON.parse(chromeTrace(calls)) as { traceEvents: unknown[] };
    assert.equal(traceEvents.length, 3);
    const product = { name: "product", ph: "X", pid: 1, tid: 1, ts: 1000, dur: 6000 };
    assert.deepEqual(traceEvents[1], { ...product, args: { bytes: 1e3, operations: 12e9 } });
  });
});

describe("CPU backend, profiled", () => {
  it("tells every call between start and end, and what it moved and computed", async () => {
    const backend = await CpuBackend.create(1);
    const [a, b, c] = [6, 12, 8].map((length) => backend.alloc(length, "f32"));
    const product = () => {
      backend.run(matmul, { m: 2, k: 3, n: 4, transposeA: 0, transposeB: 0 }, [a!, b!], [c!]);
    };
    product();
    backend.startProfile();
    product();
    product();
    const found = await backend.endProfile();
    product();
    assert.deepEqual(await backend.endProfile(), []);
    assert.equal(found.length, 2);
    for (const { name, bytes, operations, milliseconds } of found) {
      assert.deepEqual({ name, bytes, operations }, { name: "matmul", bytes: 4 * 26, operations: 48 });
      assert.ok(milliseconds >= 0, "time does not run backwards");
    }
    assert.ok(found[1]!.start >= found[0]!.start + found[0]!.milliseconds, "one call follows the other");
    await backend.destroy();
  });

  it("measures ceilings, and gives their memory back", async () => {
    const backend = await CpuBackend.create(1);
    const { liveBytes } = backend.stats();
    const { operations, bytes } = backend.measureCeilings();
    assert.ok(operations > 1e8 && operations < 1e13, `${operations} operations in a second`);
    assert.ok(bytes > 1e8 && bytes < 1e13, `${bytes} bytes in a second`);
    assert.equal(backend.stats().liveBytes, liveBytes);
    await backend.destroy();
  });
});

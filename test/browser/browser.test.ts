/** The library in a browser, bundled: cpu with one thread and with two, WebGPU, and gpu.js on WebGL. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { build } from "esbuild";
import { init } from "../../engine/backend.ts";
import { postOf, skip } from "./chromium.ts";
import type { Report } from "./page.ts";
import { runProgram } from "./program.ts";

/** Everything that a page needs, in one text. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "page.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    write: false,
  });
  return outputFiles[0]!.text;
}

describe("in a browser", { skip }, () => {
  it("the README's example, a convolution's gradients and contrastive training are as in double precision", async () => {
    const answer = JSON.parse(await postOf(await bundle())) as Report[] | { error: string };
    assert.ok(Array.isArray(answer), JSON.stringify(answer));
    const descriptions = answer.map(({ description }) => description);
    [/^cpu: .*\b1 thread$/, /^cpu: .*\b2 threads$/, /^webgpu: /, /^gpujs: .*\bWebGL 2\b/].forEach(
      (expected, i) => {
        assert.match(descriptions[i]!, expected);
      },
    );
    const reference = await init({ backend: "reference" });
    const expected = await runProgram();
    await reference.destroy();
    for (const { description, findings } of answer) {
      assert.deepEqual(findings.example, [4, -4, -8], description);
      for (const name of ["convolution", "training"] as const) {
        assert.equal(findings[name].length, expected[name].length);
        findings[name].forEach((value, i) => {
          const target = expected[name][i]!;
          const close = Math.abs(value - target) <= 1e-4 * Math.max(1, Math.abs(target));
          assert.ok(close, `${description}: ${name}, number ${i}: expected ${target}, got ${value}`);
        });
      }
    }
  });
});

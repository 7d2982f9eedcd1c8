import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { GPU } from "gpu.js";
import * as api from "../../index.ts";
import * as library from "../../kernels/index.ts";
import { kernels, ops } from "../../kernels/index.ts";

/** The bodies of a kernel by output. */
const bodiesOf = (js: Readonly<Record<string, (...inputs: never[]) => number>>) => Object.entries(js);

describe("registry", () => {
  it("has each op once, and the library exports it", () => {
    const entries = Object.values(ops).flatMap((family) => Object.entries(family));
    const exported: Readonly<Record<string, unknown>> = api;
    assert.equal(new Set(entries.map(([name]) => name)).size, entries.length);
    for (const [name, op] of entries) assert.equal(exported[name], op, name);
  });

  it("has every op that kernels/index.ts exports", () => {
    const known = new Set(Object.values(ops).flatMap((family) => Object.keys(family)));
    const functions = Object.entries(library).filter(([, value]) => typeof value === "function");
    assert.deepEqual(functions.map(([name]) => name).filter((name) => !known.has(name)), []); // prettier-ignore
  });

  it("has every kernel of every *.kernels.ts", async () => {
    const known = new Set<unknown>(kernels);
    const root = join(import.meta.dirname, "../../kernels");
    const files = readdirSync(root, { recursive: true, encoding: "utf8" });
    for (const file of files.filter((each) => each.endsWith(".kernels.ts"))) {
      const module = (await import(pathToFileURL(join(root, file)).href)) as Readonly<
        Record<string, Readonly<Record<string, unknown>>>
      >;
      const found = Object.values(module).flatMap((each) => ("js" in each ? [each] : Object.values(each)));
      assert.ok(found.length > 0, `${file} exports no kernel`);
      for (const kernel of found)
        assert.ok(known.has(kernel), `${file}: a kernel is missing in kernels/index.ts`);
    }
  });

  it("has kernels of different names", () => {
    assert.equal(new Set(kernels.map(({ name }) => name)).size, kernels.length);
  });

  for (const kernel of kernels) {
    const { name, inputs, outputs, params, js } = kernel;
    it(`${name} runs on WebGPU, which does without no body as cpu does without its own`, () => {
      assert.ok("wgsl" in kernel, `${name}: expected a wgsl body, got none`);
    });
    it(`${name} has a body for each output, which reads that kernel's inputs and parameters`, () => {
      assert.deepEqual(Object.keys(js), Object.keys(outputs));
      for (const [, body] of bodiesOf(js)) {
        assert.equal(body.length, Object.keys(inputs).length);
        const read = [...body.toString().matchAll(/this\.constants\.(\w+)/g)].map(([, param = ""]) => param);
        const known: readonly string[] = params;
        assert.deepEqual(read.filter((param) => !known.includes(param)), []); // prettier-ignore
      }
    });
    it(`gpu.js compiles ${name}`, () => {
      const gpu = new GPU({ mode: "cpu" });
      const constants = Object.fromEntries(params.map((param) => [param, 1]));
      for (const [, body] of bodiesOf(js)) {
        const compiled = gpu.createKernel(body.toString(), { constants, output: [1] });
        assert.doesNotThrow(() => compiled(...Object.keys(inputs).map(() => [1, 2])));
      }
    });
  }
});

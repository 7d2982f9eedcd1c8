import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { GPU } from "gpu.js";
import * as api from "../../index.ts";
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

  it("has kernels of different names", () => {
    assert.equal(new Set(kernels.map(({ name }) => name)).size, kernels.length);
  });

  for (const { name, inputs, outputs, params, js } of kernels) {
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

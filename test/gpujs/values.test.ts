/** Golden values, losses and random programs on gpu.js, in both of its modes that Node has. */
import { after, before, describe, it } from "node:test";
import { GpujsBackend } from "../../engine/backends/gpujs/backend.ts";
import { testGoldenValues } from "../conformance/golden-values.ts";
import { testLosses } from "../conformance/losses.ts";
import { checkRandomPrograms } from "../conformance/random-programs.ts";

for (const mode of ["webasm", "cpu"] as const) {
  const open = () => GpujsBackend.create(mode);

  describe(`golden values on gpu.js in mode ${mode}`, () => {
    testGoldenValues(open);
  });

  for (const implementation of ["composed", "fused"] as const) {
    describe(`supConLoss on gpu.js in mode ${mode}, ${implementation}`, () => {
      testLosses(open, implementation);
    });
  }

  describe(`random programs on gpu.js in mode ${mode}`, () => {
    let backend: GpujsBackend;
    before(async () => {
      backend = await open();
    });
    after(() => backend.destroy());

    it("give the reference's results", () => checkRandomPrograms(backend, [3, 16], 10));
  });
}

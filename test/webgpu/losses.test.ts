import { describe } from "node:test";
import { testLosses } from "../conformance/losses.ts";
import { open, skip } from "./adapter.ts";

for (const implementation of ["composed", "fused"] as const) {
  describe(`supConLoss on WebGPU, ${implementation}`, { skip }, () => {
    testLosses(open, implementation);
  });
}

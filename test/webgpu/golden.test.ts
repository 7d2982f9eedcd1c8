import { describe } from "node:test";
import { testGoldenValues } from "../conformance/golden-values.ts";
import { open, skip } from "./adapter.ts";

describe("golden values on WebGPU", { skip }, () => {
  testGoldenValues(open);
});

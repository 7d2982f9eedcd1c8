import type { CpuBody } from "../kernel.ts";
import type { LoopStructure } from "./kernel.ts";
export function cpuBody(_structure: LoopStructure, _key: string): CpuBody<string> {
  return () => undefined;
}

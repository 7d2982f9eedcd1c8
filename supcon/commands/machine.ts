import type { Backend } from "../../engine/backend.ts";
import type { RunMachine } from "../run/result.ts";

/** What a backend is, for {@link RunMachine}. */
export function machineOf(backend: Backend): RunMachine {
  const { threads, relaxedSimd } = backend.machine ?? { threads: 1, relaxedSimd: false };
  return { backend: backend.name, threads, relaxedFma: relaxedSimd };
}

/** All of it that decides bits. */
export const describeMachine = ({ backend, relaxedFma }: RunMachine): string =>
  backend + (relaxedFma ? " with fused multiply-add" : "");

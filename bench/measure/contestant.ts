import { peers } from "../peers/peers.ts";
import type { PeerName } from "../peers/peers.ts";
import { LibraryProcess } from "./library-process.ts";

/** A library in one of its modes. */
export interface Contestant {
  /** As tables have it: "tfjs wasm". */
  readonly name: string;
  readonly peer: PeerName;
  readonly mode: string;
  readonly process: LibraryProcess;
}

/** A library in one of its modes, not started yet. */
export const contestant = (
  peer: PeerName,
  mode: string,
  threads: number,
  name = `${peer} ${mode}`,
): Contestant => ({
  ...{ name, peer, mode },
  process: new LibraryProcess(peer, { mode, threads }),
});

/** The modes of libraries that are set beside a backend of ours, ours not among them. */
export function peersBeside(
  backend: "cpu" | "webgpu",
  names: readonly PeerName[],
  threads: number,
): Contestant[] {
  return names
    .filter((name) => name !== "spheregrad")
    .flatMap((name) => peers[name].modes[backend].map((mode) => contestant(name, mode, threads)));
}

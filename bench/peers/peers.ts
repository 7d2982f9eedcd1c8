/** The libraries by name, ours among them. */
import { Unable } from "./library.ts";
import type { Adapter, Library, Start } from "./library.ts";

interface Peer {
  readonly load: () => Promise<Adapter>;
  /** What computes, by the backend that it is set beside. */
  readonly modes: Readonly<Record<"cpu" | "webgpu", readonly string[]>>;
  /** Whether it differentiates: the best of those is what we compare with. */
  readonly trains: boolean;
}

export const peers = {
  spheregrad: {
    load: () => import("./spheregrad/spheregrad.ts"),
    modes: { cpu: ["cpu"], webgpu: ["webgpu"] },
    trains: true,
  },
  tfjs: {
    load: () => import("./tfjs/tfjs.ts"),
    modes: { cpu: ["cpu", "wasm"], webgpu: ["webgpu"] },
    trains: true,
  },
  "jax-js": {
    load: () => import("./jax-js/jax-js.ts"),
    modes: { cpu: ["wasm", "wasm threads"], webgpu: ["webgpu"] },
    trains: true,
  },
  "js-pytorch": {
    load: () => import("./js-pytorch.ts"),
    modes: { cpu: ["cpu"], webgpu: [] },
    trains: true,
  },
  "gpu.js": {
    load: () => import("./gpu-js/gpu-js.ts"),
    modes: { cpu: ["cpu", "webasm"], webgpu: ["webgpu"] },
    trains: false,
  },
  "onnxruntime-web": {
    load: () => import("./onnxruntime/web.ts"),
    modes: { cpu: ["wasm"], webgpu: [] },
    trains: false,
  },
  "onnxruntime-node": {
    load: () => import("./onnxruntime/node.ts"),
    modes: { cpu: ["native"], webgpu: [] },
    trains: false,
  },
} as const satisfies Readonly<Record<string, Peer>>;

export type PeerName = keyof typeof peers;

export const isPeerName = (name: string): name is PeerName => Object.hasOwn(peers, name);

/** Starts a library in this process. Throws {@link Unable} if it is not installed. */
export async function openPeer(name: PeerName, start: Start): Promise<Library> {
  const peer: Peer = peers[name];
  try {
    const adapter = await peer.load();
    return await adapter.open(start);
  } catch (error) {
    if (isMissing(error)) {
      throw new Unable("not installed: npm ci --ignore-scripts --prefix bench", { cause: error });
    }
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(String(error.code));

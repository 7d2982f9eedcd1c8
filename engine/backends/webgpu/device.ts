import { openGpu } from "#platform";
import { BackendError } from "../../errors.ts";

/** What a device is asked for. */
export interface DeviceOptions {
  /** Refuses adapters that are software on the CPU. Default false. */
  readonly hardwareOnly?: boolean;
  /** Uses immediates (parameters inside of the command stream) where the device has them. Default true. */
  readonly immediates?: boolean;
}

/** An open device and what the backend needs to know of it. */
export interface Device {
  readonly gpu: GPUDevice;
  /** One line for people. */
  readonly description: string;
  /** Whether the "GPU" is a program on the CPU: llvmpipe, SwiftShader, WARP. */
  readonly software: boolean;
  /** Bytes of parameters that fit into a dispatch command itself; 0 without immediates. */
  readonly immediateBytes: number;
  /** Destroys the device. */
  readonly close: () => void;
}

// Held for the life of the process. Collected, Dawn's entrance takes the process down, and not only while a device
// lives: also at times when the last one was destroyed and another is opened. It does not keep the process alive.
let entrance: GPU | undefined;

/**
 * Opens the fastest adapter, with its own limits in place of the small guaranteed ones. Undefined where there is no
 * adapter, or none but software where hardware is asked for.
 */
export async function openDevice({ hardwareOnly = false, immediates = true }: DeviceOptions = {}): Promise<
  Device | undefined
> {
  entrance ??= await openGpu();
  const adapter = await entrance?.requestAdapter({ powerPreference: "high-performance" });
  return adapter && !(hardwareOnly && adapter.info.isFallbackAdapter) ? open(adapter, immediates) : undefined;
}

async function open(adapter: GPUAdapter, immediates: boolean): Promise<Device> {
  const { limits, features, info } = adapter;
  const gpu = await adapter.requestDevice({
    requiredLimits: {
      maxBufferSize: limits.maxBufferSize,
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
    },
    requiredFeatures: features.has("timestamp-query") ? ["timestamp-query"] : [],
  });
  const canImmediate = entrance?.wgslLanguageFeatures.has("immediate_address_space") ?? false;
  const immediateBytes = immediates && canImmediate ? gpu.limits.maxImmediateSize : 0;
  return {
    gpu,
    software: info.isFallbackAdapter,
    immediateBytes,
    description: describeAdapter(info),
    close: () => {
      gpu.destroy();
    },
  };
}

function describeAdapter({
  vendor,
  architecture,
  device,
  description,
  isFallbackAdapter,
}: GPUAdapterInfo): string {
  const names = [description || device, [vendor, architecture].filter(Boolean).join(" ")].filter(Boolean);
  return `${names.join(", ") || "unnamed adapter"}${isFallbackAdapter ? ", software adapter" : ""}`;
}

/** The error of a program that asked for WebGPU where there is none. */
export const noAdapter = (): BackendError =>
  new BackendError(
    'webgpu: expected a WebGPU adapter, got none; use the "cpu" backend, or, on Debian and Ubuntu, get a software ' +
      'adapter with: eval "$(bash test/webgpu-adapter.sh)"',
  );

/** ONNX Runtime as native code: what a processor's own vector instructions reach. */
import { onnxLibrary } from "./onnxruntime.ts";
import type { Library, Start } from "../library.ts";

export async function open({ threads }: Start): Promise<Library> {
  const runtime = await import("onnxruntime-node");
  runtime.env.logLevel = "error";
  return onnxLibrary(
    runtime,
    `onnxruntime-node ${runtime.env.versions.common}, native, ${threads} threads`,
    threads,
  );
}

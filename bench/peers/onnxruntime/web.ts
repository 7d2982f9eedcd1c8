/** ONNX Runtime in WebAssembly. */
import { onnxLibrary } from "./onnxruntime.ts";
import type { Library, Start } from "../library.ts";

export async function open({ threads }: Start): Promise<Library> {
  const runtime = await import("onnxruntime-web");
  runtime.env.logLevel = "error";
  runtime.env.wasm.numThreads = threads;
  return onnxLibrary(
    runtime,
    `onnxruntime-web ${runtime.env.versions.common}, wasm, ${threads} threads`,
    threads,
  );
}

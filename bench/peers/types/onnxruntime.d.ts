/** What the adapters use of ONNX Runtime: checks need no peer to be installed. */
declare module "onnxruntime-common" {
  export interface OnnxTensor {
    readonly data: Float32Array;
    dispose(): void;
  }
  export interface Session {
    run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
    release(): Promise<void>;
  }
  export interface Runtime {
    readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => OnnxTensor;
    readonly InferenceSession: {
      create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
    };
    readonly env: {
      logLevel: string;
      readonly versions: { readonly common: string };
      readonly wasm: { numThreads: number };
    };
  }
}

declare module "onnxruntime-node" {
  type Runtime = import("onnxruntime-common").Runtime;
  export const Tensor: Runtime["Tensor"];
  export const InferenceSession: Runtime["InferenceSession"];
  export const env: Runtime["env"];
}

declare module "onnxruntime-web" {
  type Runtime = import("onnxruntime-common").Runtime;
  export const Tensor: Runtime["Tensor"];
  export const InferenceSession: Runtime["InferenceSession"];
  export const env: Runtime["env"];
}

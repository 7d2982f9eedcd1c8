/** What the adapter uses of TensorFlow.js: checks need no peer to be installed. */
declare module "@tensorflow/tfjs" {
  export interface Tensor {
    readonly shape: number[];
    data(): Promise<Float32Array | Int32Array>;
    dispose(): void;
  }
  export type Variable = Tensor & { assign(value: Tensor): void };
  export const version_core: string;
  export function setBackend(name: string): Promise<boolean>;
  export function ready(): Promise<void>;
  export function getKernel(kernel: string, backend: string): unknown;
  export function tidy<T>(body: () => T): T;
  export function dispose(tensors: readonly Tensor[]): void;
  export function tensor(values: Float32Array, shape: readonly number[]): Tensor;
  export function tensor1d(values: Int32Array, dtype: "int32"): Tensor;
  export function variable(value: Tensor, trainable?: boolean, name?: string): Variable;
  export function add(a: Tensor, b: Tensor | number): Tensor;
  export function sub(a: Tensor, b: Tensor): Tensor;
  export function mul(a: Tensor, b: Tensor | number): Tensor;
  export function div(a: Tensor, b: Tensor | number): Tensor;
  export function neg(x: Tensor): Tensor;
  export function exp(x: Tensor): Tensor;
  export function reshape(x: Tensor, shape: readonly number[]): Tensor;
  export function slice(x: Tensor, begin: readonly number[], size: readonly number[]): Tensor;
  export function relu(x: Tensor): Tensor;
  export function erf(x: Tensor): Tensor;
  export function sum(x: Tensor, axes?: number | readonly number[]): Tensor;
  export function mean(x: Tensor, axes?: number | readonly number[]): Tensor;
  export function softmax(x: Tensor): Tensor;
  export function logSoftmax(x: Tensor): Tensor;
  export function logSumExp(x: Tensor, axis: number): Tensor;
  export function oneHot(labels: Tensor, classes: number): Tensor;
  export function matMul(a: Tensor, b: Tensor, transposeA?: boolean, transposeB?: boolean): Tensor;
  export function moments(x: Tensor, axes: readonly number[]): { mean: Tensor; variance: Tensor };
  export function batchNorm(x: Tensor, mean: Tensor, variance: Tensor, beta: Tensor, gamma: Tensor, epsilon: number): Tensor; // prettier-ignore
  type Convolution = (x: Tensor, w: Tensor, stride: number, padding: number, layout?: "NHWC", dilation?: number) => Tensor; // prettier-ignore
  export const conv2d: Convolution;
  export const depthwiseConv2d: Convolution;
  export function conv2dTranspose(dy: Tensor, w: Tensor, shape: readonly number[], stride: number, padding: number): Tensor; // prettier-ignore
  export function maxPool(x: Tensor, size: number, stride: number, padding: number): Tensor;
  export function grads(
    f: (...inputs: Tensor[]) => Tensor,
  ): (inputs: readonly Tensor[], dy?: Tensor) => Tensor[];
  export const train: {
    momentum(rate: number, momentum: number): { minimize(loss: () => Tensor, wantsCost: true): Tensor; dispose(): void }; // prettier-ignore
  };
}

declare module "@tensorflow/tfjs-backend-wasm" {
  export function setWasmPaths(folder: string): void;
}

declare module "@tensorflow/tfjs-backend-webgpu" {}

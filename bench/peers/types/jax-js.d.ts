/** What the adapter uses of jax-js: checks need no peer to be installed. */
declare module "@jax-js/jax" {
  /** Consumed by use: `ref` keeps one for another. */
  export interface Array {
    readonly ref: Array;
    readonly shape: number[];
    data(): Promise<Float32Array | Int32Array>;
    dispose(): void;
    add(other: Array | number): Array;
    sub(other: Array | number): Array;
    mul(other: Array | number): Array;
    div(other: Array | number): Array;
    neg(): Array;
    transpose(): Array;
    reshape(shape: readonly number[]): Array;
  }
  export type Tree = Array | readonly Tree[] | { readonly [name: string]: Tree };
  interface ReduceOptions {
    readonly keepdims?: boolean;
  }
  export function init(...devices: string[]): Promise<string[]>;
  export function defaultDevice(device: string): string;
  export function blockUntilReady<T extends Tree>(tree: T): Promise<T>;
  export function jit<A extends readonly Tree[], R extends Tree>(f: (...inputs: A) => R): (...inputs: A) => R;
  export function grad(
    f: (...inputs: Array[]) => Array,
    options?: { readonly argnums?: readonly number[] },
  ): (...inputs: Array[]) => Array[];
  export function valueAndGrad<P extends Tree, A extends readonly Tree[]>(
    f: (parameters: P, ...inputs: A) => Array,
  ): (parameters: P, ...inputs: A) => [Array, P];
  export const tree: {
    ref<T extends Tree>(tree: T): T;
    dispose(tree: Tree): void;
    leaves(tree: Tree): Array[];
  };
  export const numpy: {
    array(values: Float32Array, options: { readonly shape: readonly number[] }): Array;
    matmul(a: Array, b: Array): Array;
    sum(x: Array, axes?: number | readonly number[], options?: ReduceOptions): Array;
    mean(x: Array, axes?: number | readonly number[], options?: ReduceOptions): Array;
    square(x: Array): Array;
    sqrt(x: Array): Array;
  };
  export const nn: {
    relu(x: Array): Array;
    gelu(x: Array, options: { readonly approximate: boolean }): Array;
    softmax(x: Array, axis: number): Array;
    logSoftmax(x: Array, axis: number): Array;
    logsumexp(x: Array, axis: number): Array;
  };
  export const lax: {
    convGeneralDilated(
      x: Array,
      w: Array,
      strides: readonly number[],
      padding: readonly (readonly [number, number])[],
      options?: { readonly rhsDilation?: readonly number[]; readonly featureGroupCount?: number },
    ): Array;
  };
}

/** What the adapter uses of js-pytorch: checks need no peer to be installed. */
declare module "js-pytorch" {
  export interface TorchTensor {
    readonly data: unknown;
    /** Nested arrays. */
    readonly grad: unknown;
    readonly shape: number[];
    backward(): void;
    zero_grad(): void;
  }
  export const torch: {
    tensor(data: readonly (readonly number[])[], requiresGrad?: boolean): TorchTensor;
    matmul(a: TorchTensor, b: TorchTensor): TorchTensor;
    transpose(a: TorchTensor, first: number, second: number): TorchTensor;
    exp(a: TorchTensor): TorchTensor;
    log(a: TorchTensor): TorchTensor;
    add(a: TorchTensor, b: TorchTensor | number): TorchTensor;
    mul(a: TorchTensor, b: TorchTensor | number): TorchTensor;
  };
}

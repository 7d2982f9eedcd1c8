/** Contrastive losses, and what can be told about them. */
export { supConAnchorLosses, supConLoss } from "./supcon.ts";
export { collapseWarning, supConDiagnostics } from "./diagnostics.ts";
export type { SupConDiagnostics } from "./diagnostics.ts";
export type { ContrastSet, EmptyAnchors, LossScale, Queue, SupConOptions } from "./options.ts";
export { maxMarginLoss, nPairsLoss, tripletLoss } from "./relatives.ts";
export type { TripletOptions } from "./relatives.ts";
export { balancedAnchorLosses, balancedLoss, parametricLoss } from "./long-tail.ts";
export type { BalancedOptions, ParametricOptions } from "./long-tail.ts";
export { embeddingDiagnostics, neighbourAccuracy } from "./geometry.ts";
export type { EmbeddingDiagnostics, EmbeddingDiagnosticsOptions } from "./geometry.ts";
export { multiLabelMask } from "./multi-label.ts";

/** Contrastive losses, and what can be told about them. */
export { supConAnchorLosses, supConLoss } from "./supcon.ts";
export { collapseWarning, supConDiagnostics } from "./diagnostics.ts";
export type { SupConDiagnostics } from "./diagnostics.ts";
export type { ContrastSet, EmptyAnchors, LossScale, Queue, SupConOptions } from "./options.ts";

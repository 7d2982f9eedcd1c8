/** The supervised contrastive loss, and what its labels say about it. */
export { supConAnchorLosses, supConLoss } from "./supcon.ts";
export { supConDiagnostics } from "./diagnostics.ts";
export type { SupConDiagnostics } from "./diagnostics.ts";
export type { EmptyAnchors, LossScale, SupConOptions } from "./options.ts";

/** Modules, initial values, residual networks, optimisers, learning-rate schedules and summaries. */
export { Module, buffer, parameter } from "./module.ts";
export { HostState, StateDictError } from "./state.ts";
export type { StateDict, StateTensor, Stateful } from "./state.ts";
export { fans, glorotUniform, kaimingNormal, kaimingUniform, normal, uniform } from "./init.ts";
export type { Fan, Initializer } from "./init.ts";

export { Linear } from "./linear.ts";
export type { LinearOptions } from "./linear.ts";
export { Conv2d } from "./conv2d.ts";
export type { Conv2dOptions } from "./conv2d.ts";
export { BatchNorm2d } from "./batchnorm.ts";
export type { BatchNorm2dOptions } from "./batchnorm.ts";
export { GroupNorm } from "./group-norm.ts";
export { LayerNorm } from "./layer-norm.ts";
export { Dropout } from "./dropout.ts";
export type { DropoutOptions } from "./dropout.ts";
export { OpModule, fromOp } from "./from-op.ts";
export * from "./activation.ts";
export * from "./pool.ts";
export { Flatten } from "./flatten.ts";
export { Identity } from "./identity.ts";
export { Residual } from "./residual.ts";
export { Sequential } from "./sequential.ts";

export { ResNet } from "./resnet/resnet.ts";
export type { ResNetArchitecture, ResNetOptions } from "./resnet/resnet.ts";
export type { BlockKind } from "./resnet/block.ts";
export * from "./resnet/variants.ts";
export { batchCounter, fromTorchvision, toTorchvision } from "./torchvision.ts";

export { Optimizer } from "./optim/optimizer.ts";
export type { Memory, OptimizerOptions } from "./optim/optimizer.ts";
export { SGD } from "./optim/sgd.ts";
export type { SGDOptions } from "./optim/sgd.ts";
export { Adam, AdamW } from "./optim/adam.ts";
export type { AdamOptions } from "./optim/adam.ts";
export { LARS } from "./optim/lars.ts";
export type { LARSOptions, LARSVariant } from "./optim/lars.ts";
export { RMSProp } from "./optim/rmsprop.ts";
export type { RMSPropOptions } from "./optim/rmsprop.ts";
export { defineUpdate } from "./update.ts";
export { clipGradNorm, clipGradValue } from "./clip.ts";
export { globalNorm } from "./norm.ts";
export { EMA } from "./ema.ts";
export type { EMAOptions } from "./ema.ts";
export { constantSchedule, cosineSchedule, exponentialSchedule, stepSchedule } from "./schedule.ts";
export type {
  CosineOptions,
  ExponentialOptions,
  Schedule,
  ScheduleOptions,
  StepOptions,
} from "./schedule.ts";

export { summary } from "./summary.ts";
export type { Cost, Summary, SummaryRow } from "./summary.ts";
export { formatSummary } from "./summary-table.ts";

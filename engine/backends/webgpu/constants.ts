/** Flags whose values the WebGPU specification fixes: Node has no globals with their names. */
export const bufferUsage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
  queryResolve: 0x200,
} as const;

/** GPUMapMode.READ */
export const mapModeRead = 0x1;

/** GPUShaderStage.COMPUTE */
export const computeStage = 0x4;

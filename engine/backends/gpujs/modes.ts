/**
 * How gpu.js can run kernels here, the preferred one first: as fragment shaders of WebGL 2 (browsers), as WebAssembly
 * SIMD on one thread, or as plain JavaScript.
 */
export const gpujsModes = ["webgl2", "webasm", "cpu"] as const;

/** Name of a mode of gpu.js. */
export type GpujsMode = (typeof gpujsModes)[number];

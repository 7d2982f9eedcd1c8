import { BackendError } from "../../errors.ts";
import { computeStage } from "./constants.ts";
import type { Failures } from "./failures.ts";
import type { Parameters } from "./params.ts";
import type { Shader } from "./shader.ts";

/** A compiled shader. */
export interface Pipeline {
  readonly compiled: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Tells bind groups apart: pipelines that bind buffers in the same way share it, and their bind groups. */
  readonly bindings: string;
}

/** Pipelines by the text of their shaders. */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #parameters: Parameters;
  readonly #failures: Failures;
  readonly #byText = new Map<string, Pipeline>();
  readonly #byShader = new WeakMap<Shader, Pipeline>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();
  #hits = 0;

  constructor(device: GPUDevice, parameters: Parameters, failures: Failures) {
    this.#device = device;
    this.#parameters = parameters;
    this.#failures = failures;
  }

  /** The pipeline of a shader. Errors in its text are reported as failures, under the shader's name. */
  get(shader: Shader): Pipeline {
    let pipeline = this.#byShader.get(shader) ?? this.#byText.get(shader.code);
    if (pipeline) this.#hits++;
    else this.#byText.set(shader.code, (pipeline = this.#compile(shader)));
    this.#byShader.set(shader, pipeline);
    return pipeline;
  }

  /** How often a pipeline was there when wanted, and how many were compiled. */
  stats() {
    return { hits: this.#hits, misses: this.#byText.size };
  }

  #compile(shader: Shader): Pipeline {
    const { name, access } = shader;
    const bindings = access.join();
    const code = this.#parameters.declaration(shader) + shader.code;
    const immediateSize = this.#parameters.areImmediate(shader) ? 4 * shader.params.length : 0;
    const explain = (message: string) => new BackendError(`webgpu: ${name}: ${message}\n${numbered(code)}`);
    return this.#failures.watch(this.#device, "validation", explain, () => {
      const layout = this.#layoutOf(bindings, access);
      const hasUniforms = shader.params.length > 0 && immediateSize === 0;
      const compiled = this.#device.createComputePipeline({
        label: name,
        layout: this.#device.createPipelineLayout({
          bindGroupLayouts: hasUniforms ? [layout, this.#parameters.layout] : [layout],
          ...(immediateSize > 0 && { immediateSize }),
        }),
        compute: { module: this.#device.createShaderModule({ label: name, code }), entryPoint: "main" },
      });
      return { compiled, layout, bindings };
    });
  }

  #layoutOf(bindings: string, access: Shader["access"]): GPUBindGroupLayout {
    let layout = this.#layouts.get(bindings);
    if (!layout) {
      const entries = access.map((mode, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type: mode === "read" ? ("read-only-storage" as const) : ("storage" as const) },
      }));
      this.#layouts.set(bindings, (layout = this.#device.createBindGroupLayout({ entries })));
    }
    return layout;
  }
}

const numbered = (code: string): string =>
  code.split("\n").map((line, i) => `${String(i + 1).padStart(4)} | ${line}`).join("\n"); // prettier-ignore

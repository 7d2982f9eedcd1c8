/** What a backend tells of the kernels that it has timed, and tables of it. */

/** One call of a kernel; on a GPU, of one of its shaders. */
export interface KernelCall {
  readonly name: string;
  /** Milliseconds since the profile began. */
  readonly start: number;
  readonly milliseconds: number;
  /** Of all buffers that it reads or writes: what it moves at least. */
  readonly bytes: number;
  /** Floating-point operations; 0 where bytes bound the time. */
  readonly operations: number;
}

/** What the machine does at most: measured, not read off a data sheet. */
export interface Ceilings {
  /** Floating-point operations in a second. */
  readonly operations: number;
  /** Bytes read and written in a second. */
  readonly bytes: number;
}

/** All calls of one kernel together. */
export interface KernelTime {
  readonly name: string;
  readonly calls: number;
  readonly milliseconds: number;
  readonly bytes: number;
  readonly operations: number;
}

/** The calls added up by kernel, the longest first. */
export function timesByKernel(calls: readonly KernelCall[]): KernelTime[] {
  const times = new Map<string, KernelTime>();
  for (const { name, milliseconds, bytes, operations } of calls) {
    const sum = times.get(name) ?? { name, calls: 0, milliseconds: 0, bytes: 0, operations: 0 };
    times.set(name, {
      name,
      calls: sum.calls + 1,
      milliseconds: sum.milliseconds + milliseconds,
      bytes: sum.bytes + bytes,
      operations: sum.operations + operations,
    });
  }
  return [...times.values()].sort((a, b) => b.milliseconds - a.milliseconds);
}

/** The calls in the Trace Event Format (JSON), which the tracing views of browsers open. Times are in microseconds. */
export function chromeTrace(calls: readonly KernelCall[]): string {
  const traceEvents = calls.map(({ name, start, milliseconds, bytes, operations }) => ({
    ...{ name, ph: "X", pid: 1, tid: 1, ts: 1000 * start, dur: 1000 * milliseconds },
    args: { bytes, operations },
  }));
  return JSON.stringify({ traceEvents, displayTimeUnit: "ms" });
}

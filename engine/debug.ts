let debug = false;

/** Whether debug mode is on. */
export const isDebug = (): boolean => debug;

/** Debug mode: DisposedError then carries, as its `cause`, the place where the tensor was disposed. Slower. */
export function setDebug(on: boolean): void {
  debug = on;
}

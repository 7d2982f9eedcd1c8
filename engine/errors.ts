/** Every error that spheregrad throws on purpose. Messages read "who: expected ..., got ...; hint". */
export class SpheregradError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Shapes, axes, ranks or geometries that do not fit together. */
export class ShapeError extends SpheregradError {}

/** An element type that an op cannot take. */
export class DTypeError extends SpheregradError {}

/** An option or argument value out of its range. */
export class ValueError extends SpheregradError {}

/** A tensor was used after it was disposed. */
export class DisposedError extends SpheregradError {}

/** `backward` reached an op that has no derivative, or none of the order asked for. */
export class NotDifferentiableError extends SpheregradError {}

/** A tensor of one backend was given to an op that runs on another, or no backend is initialised. */
export class BackendError extends SpheregradError {}

/** The backend has no memory left; the message tells live bytes, the request and the way out. */
export class OutOfMemoryError extends SpheregradError {}

/** A kernel failed inside a worker thread, or a worker died. */
export class WorkerError extends SpheregradError {}

/** The GPU is gone (unplugged, reset by its driver, destroyed), and with it everything that was on it. */
export class DeviceLostError extends SpheregradError {}

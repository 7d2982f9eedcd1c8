import { ValueError } from "../engine/errors.ts";

/** Refuses anything but a positive integer: numbers of features, channels, steps. Throws ValueError. */
export function checkPositiveInteger(who: string, name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new ValueError(`${who}: expected ${name} to be a positive integer, got ${value}`);
}

/** Refuses anything but a finite number > 0: lengths, temperatures. Throws ValueError. */
export function checkPositive(who: string, name: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new ValueError(`${who}: expected ${name} to be a finite number > 0, got ${value}`);
}

/** Refuses anything but a finite number >= 0: rates and factors. Throws ValueError. */
export function checkNonNegative(who: string, name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new ValueError(`${who}: expected ${name} to be a finite number >= 0, got ${value}`);
}

/** Refuses anything but a number in [0, 1): how much of something survives. Throws ValueError. */
export function checkBelowOne(who: string, name: string, value: number): void {
  if (value >= 0 && value < 1) return;
  throw new ValueError(`${who}: expected ${name} in [0, 1), got ${value}`);
}

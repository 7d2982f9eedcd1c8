/** What an option's text may be, and how a bad one is told. */
import { InvalidArgumentError } from "@commander-js/extra-typings";

/** A parser of integers from `min` on. */
export const integer =
  (min: number, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    const range = max === Number.MAX_SAFE_INTEGER ? `>= ${min}` : `from ${min} to ${max}`;
    throw new InvalidArgumentError(`Expected an integer ${range}.`);
  };

/** A parser of integers from `min` on, or of all there are. */
export const integerOrAll =
  (min: number) =>
  (text: string): number | "all" =>
    text === "all" ? text : integer(min)(text);

/** A parser of finite numbers that `holds` accepts. */
const number =
  (expected: string, holds: (value: number) => boolean) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isFinite(value) && holds(value)) return value;
    throw new InvalidArgumentError(`Expected a number ${expected}.`);
  };

/** (0, infinity) */
export const positive = number("> 0", (x) => x > 0);

/** [0, infinity) */
export const nonNegative = number(">= 0", (x) => x >= 0);

/** [1, infinity) */
export const atLeastOne = number(">= 1", (x) => x >= 1);

/** (0, 1] */
export const share = number("in (0, 1]", (x) => x > 0 && x <= 1);

/** [0, 1) */
export const belowOne = number("in [0, 1)", (x) => x >= 0 && x < 1);

/** [0, max] */
export const upTo = (max: number) => number(`from 0 to ${max}`, (x) => x >= 0 && x <= max);

/** What a loss may be multiplied with: nothing, tau, or tau over a base. */
export const scale = (text: string): "none" | "temperature" | number =>
  text === "none" || text === "temperature" ? text : number("> 0, none or temperature", (x) => x > 0)(text);

/** Writes an error of commander's as one line: a suggestion ("Did you mean ...") would come as a second. */
export const oneLine = (text: string, write: (text: string) => void): void => {
  write(text.trim().replaceAll("\n", " ") + "\n");
};

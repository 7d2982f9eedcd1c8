/** Options from a JSON file: the same ones as on the command line, by the same rules. */
import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { CommandUnknownOpts, Option } from "@commander-js/extra-typings";
import { ValueError } from "../../engine/errors.ts";
import { readJson } from "../run/files.ts";

/** What a run adds to the options in its config.json: what they came to on its machine. Not an option. */
export const RESOLVED = "resolved";

/** Options that only the command line can give. */
const notInFile = ["out", "config", "resume", "dryRun", "profile"];

/**
 * Sets the options that stand in the JSON object at `path`, by their names in camel case, except those that the command
 * line has set. Throws ValueError, naming file and option, for a file that is no such object, an option that does not
 * exist, or a value that the command line would refuse.
 */
export function applyConfig(command: CommandUnknownOpts, path: string): void {
  const options = new Map(command.options.map((option) => [option.attributeName(), option]));
  for (const [name, value] of Object.entries(readObject(path))) {
    if (name === RESOLVED) continue;
    const option = options.get(name);
    if (!option || notInFile.includes(name)) {
      const known = [...options.keys()].filter((key) => !notInFile.includes(key));
      throw new ValueError(`${path}: expected options among ${known.join(", ")}, got "${name}"`);
    }
    const parsed = parse(option, value, path);
    if (command.getOptionValueSource(name) !== "cli") {
      command.setOptionValueWithSource(name, parsed, "config");
    }
  }
}

/** Through the command line's own parser, which takes text: what comes out must be of the type that came in. */
function parse(option: Option, value: unknown, path: string): unknown {
  const refuse = (expected: string): never => {
    const got = JSON.stringify(value);
    throw new ValueError(`${path}: "${option.attributeName()}": ${got} is invalid. ${expected}`);
  };
  if (option.isBoolean()) return typeof value === "boolean" ? value : refuse("Expected true or false.");
  if (typeof value !== "string" && typeof value !== "number") return refuse("Expected a number or a text.");
  try {
    const parsed: unknown = option.parseArg ? option.parseArg(String(value), "") : String(value);
    return typeof parsed === typeof value ? parsed : refuse(`Expected a ${typeName(parsed)}.`);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return refuse(error.message);
    throw error;
  }
}

const typeName = (value: unknown): string => (typeof value === "number" ? "number, without quotes" : "text");

function readObject(path: string): object {
  const content = readJson(path, "a file of options", "is it a run folder's?");
  if (typeof content === "object" && content !== null && !Array.isArray(content)) return content;
  throw new ValueError(
    `${path}: expected a JSON object of options, got ${JSON.stringify(content).slice(0, 40)}`,
  );
}

import { Command } from "@commander-js/extra-typings";
import { oneLine } from "./parsers.ts";

/** A command line, `program` being how it is started. What is wrong with it is told in a line on stderr, and thrown. */
export const newCommand = (program: string, about: string) =>
  new Command(program)
    .description(about)
    .helpOption("-h, --help", "show this and exit")
    .configureOutput({ outputError: oneLine })
    .exitOverride();

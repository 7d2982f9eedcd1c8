import { Command } from "@commander-js/extra-typings";
import { oneLine } from "./parsers.ts";

/** The command line of `npx tsx supcon/NAME.ts`. What is wrong with it is told in a line on stderr, and thrown. */
export const newCommand = (name: string, about: string) =>
  new Command(`npx tsx supcon/${name}.ts`)
    .description(about)
    .helpOption("-h, --help", "show this and exit")
    .configureOutput({ outputError: oneLine })
    .exitOverride();

/** Pages as a browser would take them apart. */
import { parseHTML } from "linkedom";

declare global {
  // What is needed of the types of browsers, which this project is compiled without.
  interface Element {
    readonly textContent: string;
    getAttribute(name: string): string | null;
  }
  interface Document {
    querySelectorAll(selector: string): Iterable<Element>;
  }
}

/** A page's elements. */
export interface Page {
  readonly all: (selector: string) => Element[];
  /** What elements say, without surrounding space. */
  readonly texts: (selector: string) => string[];
}

export function parsePage(text: string): Page {
  const { document } = parseHTML(text);
  const all = (selector: string) => [...document.querySelectorAll(selector)];
  return { all, texts: (selector) => all(selector).map(({ textContent }) => textContent.trim()) };
}

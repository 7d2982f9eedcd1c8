/** HTML in which every text is escaped, unless it says that it is HTML. */

/** Text that is HTML. */
export class Html {
  readonly text: string;

  /** @param text - inserted as it is: only for what a library of ours has made, such as a chart. */
  constructor(text: string) {
    this.text = text;
  }
}

/** What can stand in a template; nothing for what is not there. */
export type Part = Html | string | number | undefined | readonly Part[];

/** html`<p>${text}</p>`: texts and numbers are escaped, also within quoted attributes; lists stand one after the other. */
export const html = (strings: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(strings.map((string, i) => string + textOf(parts[i])).join(""));

function textOf(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escape(String(part));
  return part.map(textOf).join("");
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }; // prettier-ignore
const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign);

/** Data for the page's script: JSON in which nothing ends the element that it stands in. */
export const json = (data: unknown): Html =>
  new Html(JSON.stringify(data).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029")); // prettier-ignore

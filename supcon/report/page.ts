/** Pages that need nothing but their file: no server, no network. */
import { Html, html } from "./html.ts";
import type { Part } from "./html.ts";
import { style } from "./style.ts";

/** What a page is made of. */
export interface Page {
  readonly title: string;
  /** One line each, under the title. */
  readonly facts: readonly Part[];
  readonly body: Part;
  /** CSS beside what all pages have. */
  readonly style?: string;
}

/** The page's text. */
export const page = ({ title, facts, body, style: more = "" }: Page): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <style>
          ${new Html(style + more)}
        </style>
      </head>
      <body>
        <h1>${title}</h1>
        <ul class="facts">
          ${facts.map((fact) => html`<li>${fact}</li> `)}
        </ul>
        ${body}
      </body>
    </html> `.text;

/** A picture under its title, and how to read it. */
export const figure = (title: string, picture: Part, caption?: Part, kind = ""): Html =>
  html`<figure class="${kind}">
    <h3>${title}</h3>
    ${picture} ${caption === undefined ? undefined : html`<figcaption>${caption}</figcaption>`}
  </figure> `;

/** Pictures on one subject; nothing without pictures. */
export function section(
  title: string,
  lead: Part,
  pictures: readonly (Html | undefined)[],
  kind = "",
): Html | undefined {
  const shown = pictures.filter((picture) => picture !== undefined);
  if (shown.length === 0) return undefined;
  return html`<section>
    <h2>${title}</h2>
    <p>${lead}</p>
    <div class="cards ${kind}">${shown}</div>
  </section> `;
}

/** Names and the colours that stand for them. */
export const legend = (entries: readonly { readonly name: string; readonly colour: string }[]): Html =>
  html`<ul class="legend">
    ${entries.map(({ name, colour }) => html`<li><i style="--colour:${colour}"></i>${name}</li>`)}
  </ul>`;

/** A table; the first line is its head, the first column is of words. */
export const table = ([head = [], ...rows]: readonly (readonly Part[])[]): Html =>
  html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${head.map((cell) => html`<th>${cell}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td>${cell}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;

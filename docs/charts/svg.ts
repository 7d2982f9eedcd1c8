/** How all figures look, and how a chart becomes an SVG file. */
import type { PlotOptions } from "@observablehq/plot";
import { chart } from "../../supcon/report/chart.ts";

/** Colours that colour-blind readers can tell apart on white (Okabe and Ito, "Color Universal Design", 2008), and grey. */
export const colours = {
  blue: "#0072b2",
  orange: "#d55e00",
  green: "#009e73",
  purple: "#aa4499",
  amber: "#b07d00",
  grey: "#767676",
} as const;

/** The text of an SVG file: white behind it, so that it can be read on a dark page; `title` is for screen readers. */
export const svg = (title: string, options: PlotOptions): string =>
  chart(title, options)
    .replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" color="#1f2328" ')
    .replace(/^<svg (?:[^>"]|"[^"]*")*>/, '$&<rect width="100%" height="100%" fill="white" />')
    .concat("\n");

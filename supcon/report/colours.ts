/** Colours of pages. Those with a name are variables of style.ts, which gives them values for light and dark pages. */
export const colours = {
  blue: "var(--blue)",
  orange: "var(--orange)",
  green: "var(--green)",
  purple: "var(--purple)",
  grey: "var(--grey)",
} as const;

/** Distinct ones of middle lightness, which can be seen on light and dark pages. */
const distinct = [
  ...(["#4269d0", "#e8a316", "#ff725c", "#3aa69b", "#3ca951"] as const),
  ...(["#e877a5", "#a463f2", "#76a4f0", "#9c6b4e", "#8a8f98"] as const),
];

/** The colour of one of `count` things: one of ten, or a hue of its own where there are more. */
export const colourOf = (i: number, count: number): string =>
  count <= distinct.length
    ? (distinct[i] ?? colours.grey)
    : `hsl(${((360 * i) / count).toFixed(0)} 70% ${i % 2 === 0 ? 45 : 60}%)`;

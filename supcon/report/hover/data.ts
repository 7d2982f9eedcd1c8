/** What the script of a run's page works with. */
export interface HoverData {
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** Grid of the images; image i is that of point i. Null where a run's images are not at hand. */
  readonly sheet: { readonly columns: number; readonly rows: number } | null;
  /** Labels of the points of the map, in the order of its circles. */
  readonly labels: readonly number[];
  /** Of some of the points. */
  readonly similarity: {
    readonly points: readonly number[];
    /** The least cosine, and all of them as base64: bytes 0 ... 255 for the least ... 1, row by row. */
    readonly least: number;
    readonly bytes: string;
  } | null;
}

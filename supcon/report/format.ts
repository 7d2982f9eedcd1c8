/** Numbers as people read them. */

/** 12345 as 12,345. */
export const count = (n: number): string => n.toLocaleString("en-US");

/** 0.98765 as 98.77 %. */
export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** 75 as 75 s; from two minutes on in minutes and hours. */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

import { homedir } from "node:os";
import { join } from "node:path";

/** The environment variable that names the cache folder. */
export const CACHE_VARIABLE = "SPHEREGRAD_DATA";

/** Where fetched data sets are kept: SPHEREGRAD_DATA, else spheregrad in the user's folder of caches. */
export function cacheFolder(environment: Readonly<NodeJS.ProcessEnv> = process.env): string {
  const { [CACHE_VARIABLE]: own, XDG_CACHE_HOME: caches } = environment;
  // An empty variable is as good as none (XDG Base Directory Specification).
  if (own !== undefined && own !== "") return own;
  return join(caches !== undefined && caches !== "" ? caches : join(homedir(), ".cache"), "spheregrad");
}

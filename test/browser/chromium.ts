/** Debian's headless Chromium on a page of ours. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";

/** Without a GPU: WebGPU on SwiftShader, which Chromium brings along. As root there is no sandbox. */
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu-sandbox",
  "--enable-unsafe-webgpu",
  "--enable-features=Vulkan",
  "--use-webgpu-adapter=swiftshader",
];

/**
 * Why tests in a browser are skipped (there is none; the reason says how to get one), or false where they run. Where
 * SPHEREGRAD_REQUIRE_BROWSER=1 says that there is to be one, its lack is a failure.
 */
export const skip: string | false = await promisify(execFile)("chromium", ["--version"]).then(
  () => false as const,
  (error: unknown) => {
    if (process.env.SPHEREGRAD_REQUIRE_BROWSER === "1") throw error;
    return "expected chromium on the path, got none; on Debian: bash test/browser.sh";
  },
);

/**
 * Opens a page with one module script, on a server whose pages are isolated from those of other origins (or they get
 * no shared memory), and resolves with the body of the page's first POST. Rejects if the browser ends before that.
 */
export async function postOf(script: string): Promise<string> {
  const headers = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  };
  const server = createServer();
  const posted = new Promise<string>((resolve, reject) => {
    server.on("request", (request, response) => {
      if (request.method === "POST") {
        text(request).then(resolve, reject);
        response.end();
      } else if (request.url === "/script.js") {
        response.writeHead(200, { ...headers, "Content-Type": "text/javascript" }).end(script);
      } else {
        response.writeHead(200, { ...headers, "Content-Type": "text/html" });
        response.end('<!doctype html><script type="module" src="/script.js"></script>');
      }
    });
  });
  server.listen(0, "localhost");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const profile = mkdtempSync(join(tmpdir(), "spheregrad-chromium-"));
  const browser = spawn("chromium", [...flags, `--user-data-dir=${profile}`, `http://localhost:${port}/`]);
  const words = text(browser.stderr);
  const ended = once(browser, "close");
  const failed = ended.then(async () => {
    throw new Error(`chromium: expected a POST from its page, got the end of the browser:\n${await words}`);
  });
  try {
    return await Promise.race([posted, failed]);
  } finally {
    browser.kill();
    await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/** Imports point one way: engine <- kernels <- nn <- supcon; bench and test may see all. */
const layers = ["engine", "kernels", "nn", "supcon"];

const forbid = (group, message) => ({ patterns: [{ group, message }] });

const directionRules = layers.map((layer, i) => ({
  files: [`${layer}/**/*.ts`],
  rules: {
    "no-restricted-imports": [
      "error",
      forbid(
        [...layers.slice(i + 1), "bench", "test"].map((above) => `**/${above}/**`),
        `${layer}/ may not import what stands above it: engine <- kernels <- nn <- supcon`,
      ),
    ],
  },
}));

const nodeFree = {
  files: ["engine/**/*.ts", "kernels/**/*.ts", "nn/**/*.ts", "supcon/losses/**/*.ts"],
  ignores: ["engine/platform/node.ts"],
  rules: {
    "no-restricted-globals": ["error", "process", "Buffer", "require"],
  },
};

export default defineConfig(
  { ignores: ["node_modules/", "dist/", "runs/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // const { left, ...rest } = whole: how an object without a field is made.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      // A loop index reads better than entries() in numeric code.
      "@typescript-eslint/prefer-for-of": "off",
    },
  },
  {
    files: ["engine/platform/browser.ts", "**/*.browser.ts"],
    languageOptions: { parserOptions: { projectService: false, project: "./tsconfig.browser.json" } },
  },
  ...directionRules,
  nodeFree,
  {
    // A number read from an array inside a loop that bounds its index.
    files: ["**/*.kernels.ts", "engine/backends/reference/**/*.ts", "test/**/*.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
  {
    // node:test's describe and it return promises that the runner awaits.
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["describe", "it", "test", "suite"] },
          ],
        },
      ],
    },
  },
);

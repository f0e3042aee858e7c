// What the dashboard's JavaScript must hold beyond its types: imports in order, layers, short functions and lines.

import js from "@eslint/js"
import sort from "eslint-plugin-simple-import-sort"
import globals from "globals"

// Each folder and those that it may import from beside itself; README.md says what lives where.
const LAYERS = {
  plant: [],
  stream: ["plant"],
  widgets: ["plant", "stream"],
  plots: ["plant", "stream", "widgets"],
  pages: ["plant", "stream", "widgets", "plots", "css"],
}

const layer = ([folder, allowed]) => {
  const others = [...Object.keys(LAYERS), "css"].filter((each) => each !== folder && !allowed.includes(each))
  const patterns = others.map((each) => ({
    regex: `/${each}/`,
    message: `${folder} may not import from ${each}: see README.md`,
  }))
  return { files: [`src/${folder}/**`], rules: { "no-restricted-imports": ["error", { patterns }] } }
}

// What computes or makes text, and so runs in Node.js as it stands: no page, no network, no clock.
const pure = {
  files: ["src/plant/**", "src/format.js"],
  languageOptions: { globals: Object.fromEntries(Object.keys(globals.browser).map((name) => [name, "off"])) },
}

export default [
  { ignores: ["node_modules/"] },
  js.configs.recommended,
  {
    plugins: { sort },
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
    rules: {
      "array-callback-return": "error",
      eqeqeq: "error",
      "max-len": ["error", { code: 140 }],
      "max-lines-per-function": ["error", { max: 70, skipBlankLines: true, skipComments: true }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "sort/exports": "error",
      "sort/imports": "error",
    },
  },
  { files: ["src/**"], languageOptions: { globals: globals.browser } },
  { files: ["*.js", "*.mjs", "scripts/**", "test/**"], languageOptions: { globals: globals.node } },
  pure,
  ...Object.entries(LAYERS).map(layer),
]

// Bundles the page into ../dist. With --check, only says whether the committed bundle is what the sources give.
import { build } from "esbuild"
import { readFile, writeFile } from "node:fs/promises"

const target = new URL("../dist/dashboard.js", import.meta.url)
const result = await build({
  entryPoints: ["src/index.js"],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  loader: { ".css": "text", ".html": "text" },
  write: false,
})
const [bundle] = result.outputFiles
if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8")
  if (committed !== bundle.text) {
    console.error("ui/dist/dashboard.js is not what its sources give: npm run build")
    process.exit(1)
  }
} else {
  await writeFile(target, bundle.text)
  console.log(`ui/dist/dashboard.js: ${(bundle.text.length / 1024).toFixed(0)} kB`)
}

// Bundles the page into ../dist. The first line of the bundle names its sources by their digest, so that a test can
// tell without Node.js whether the committed bundle is what the committed sources give.
import { build } from "esbuild"
import { createHash } from "node:crypto"
import { copyFileSync, readFileSync, readdirSync, writeFileSync } from "node:fs"

const here = new URL(".", import.meta.url)
const digest = createHash("sha256")
for (const name of readdirSync(new URL("src/", here)).sort()) digest.update(readFileSync(new URL(`src/${name}`, here)))
digest.update(readFileSync(new URL("package-lock.json", here)))

const result = await build({
  entryPoints: ["src/index.js"],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  loader: { ".css": "text" },
  banner: { js: `// Built from ui/frontend, sources ${digest.digest("hex")}; see NOTICE.` },
  write: false,
})
const { text } = result.outputFiles[0]
writeFileSync(new URL("../dist/dashboard.js", here), text)
console.log(`ui/dist/dashboard.js: ${(text.length / 1024).toFixed(0)} kB`)
// The tests of accessibility run without Node.js.
copyFileSync(new URL("node_modules/axe-core/axe.min.js", here), new URL("../../tests/ui/axe.min.js", here))

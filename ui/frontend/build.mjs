// Bundles the page into ../dist. The first line of the bundle names its sources by their digest, so that a test can
// tell without Node.js whether the committed bundle is what the committed sources give.
import { createHash } from "node:crypto"
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"

import { build } from "esbuild"

const here = new URL(".", import.meta.url)
const digest = createHash("sha256")
const sources = readdirSync(new URL("src/", here), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) =>
    relative(fileURLToPath(new URL("src/", here)), join(entry.parentPath, entry.name)).replaceAll("\\", "/"),
  )
for (const name of sources.sort()) {
  digest.update(name)
  digest.update(readFileSync(new URL(`src/${name}`, here)))
}
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

// What no linter here sees: circles between modules, and lines of the style sheets.

import assert from "node:assert/strict"
import { readdirSync, readFileSync } from "node:fs"
import { test } from "node:test"
import { fileURLToPath } from "node:url"

import { build } from "esbuild"

const FOLDER = fileURLToPath(new URL("..", import.meta.url))

test("no module imports itself by way of others", async () => {
  const { metafile } = await build({
    absWorkingDir: FOLDER,
    entryPoints: ["src/index.js"],
    bundle: true,
    write: false,
    metafile: true,
    loader: { ".css": "text" },
    format: "esm",
  })
  const left = new Map(
    Object.entries(metafile.inputs).map(([name, { imports }]) => [name, imports.map((each) => each.path)]),
  )
  assert.ok(left.size > 50)
  // Modules whose imports are all taken away are taken away; those of a circle never are.
  for (let before = -1; before !== left.size;) {
    before = left.size
    for (const [name, imports] of left) if (!imports.some((each) => left.has(each))) left.delete(name)
  }
  assert.deepEqual([...left.keys()], [])
})

test("no line of a style sheet is too long", () => {
  const sources = readdirSync(`${FOLDER}src`, { recursive: true }).map(String)
  for (const sheet of sources.filter((name) => name.endsWith(".css"))) {
    const long = readFileSync(`${FOLDER}src/${sheet}`, "utf8")
      .split("\n")
      .filter((line) => line.length > 140)
    assert.deepEqual(long, [], sheet)
  }
})

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"

import { PATHS } from "../src/plant/flows.js"
import { IN, OUT } from "../src/plant/ledger_balance.js"
import { INPUTS, OUTPUTS, STORES } from "../src/plant/ledger_lines.js"

const { $defs } = JSON.parse(readFileSync(new URL("../../../docs/schemas/State.json", import.meta.url), "utf8"))

// Names of the ledger's lines on a side of the balance, as the messages declare them.
const declared = (side) =>
  Object.entries($defs.Ledger.properties)
    .filter(([name, line]) => line.side === side && name !== "parameter_change") // 0 in every run of this version
    .map(([name]) => name)
    .sort()

test("every line of the ledger stands in one part of the balance", () => {
  for (const [side, parts] of [
    ["in", IN],
    ["out", OUT],
  ])
    assert.deepEqual(parts.flatMap(({ paths }) => paths).sort(), declared(side))
})

test("every line and every store of the ledger has a label", () => {
  const names = (lines) => lines.map(({ name }) => name).sort()
  assert.deepEqual(names(INPUTS), declared("in"))
  assert.deepEqual(names(OUTPUTS), declared("out"))
  assert.deepEqual(STORES.map(([name]) => name).sort(), declared("stored"))
})

test("every output is drawn in the power flow", () => {
  for (const { name } of OUTPUTS) assert.ok(PATHS.includes(`powers.${name}`), name)
})

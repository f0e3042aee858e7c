import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"

import { IN, OUT } from "../src/plant/ledger_balance.js"

const { $defs } = JSON.parse(readFileSync(new URL("../../../docs/schemas/State.json", import.meta.url), "utf8"))
const energyPage = readFileSync(new URL("../src/pages/energy.js", import.meta.url), "utf8")

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

test("every line of the ledger has a row on the page Energy", () => {
  for (const name of ["in", "out", "stored"].flatMap(declared)) assert.ok(energyPage.includes(`["${name}", "`), name)
})

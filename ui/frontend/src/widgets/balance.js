// Where the energy has come from and gone to since the start of the run, on one scale, and what that means in a sentence.

import { fixed, power10 } from "../format.js"
import { accountingStart } from "../plant/accounting_start.js"
import { lapMeans, settling } from "../plant/lap_means.js"
import { IN, ledgerBalance, OUT, stacks, STORED, verdictOverLaps, verdictSoFar } from "../plant/ledger_balance.js"
import { unsteady } from "../plant/steadiness.js"
import { stream } from "../stream/stream.js"
import { byId, flag, query, queryAll, write } from "./dom.js"

/** @param {{ id: string, label: string }} part */
const segment = ({ id, label }) => `<i data-part="${id}" title="${label}"></i>`
/** @param {{ id: string, label: string }} part */
const item = ({ id, label }) => `<li data-part="${id}"><i></i>${label} <b data-testid="energy-${id}">–</b></li>`
// A negative flow is drawn on the other side, so each of the two stacks has all parts.
const SEGMENTS = [...IN, ...OUT, STORED].map(segment).join("")

export const BALANCE = `
<section class="card balance" aria-label="energy balance">
  <header>
    <h2><span data-testid="energy-since">Energy since the start</span> <small>kWh</small></h2>
    <p data-testid="energy-flow">–</p>
    <p class="residual" title="what the first-law ledger does not account for, over the energy scale; the gate is 1e-9">
      residual R<sub>A</sub> <b data-testid="residual">–</b>
    </p>
  </header>
  <div class="flows">
    <span>in</span><div class="stack" data-stack="in">${SEGMENTS}</div>
    <ul>${IN.map(item).join("")}</ul>
    <span>out</span><div class="stack" data-stack="out">${SEGMENTS}</div>
    <ul>${[...OUT, STORED].map(item).join("")}</ul>
  </div>
</section>`

export const VERDICT = `<p class="verdict" data-testid="verdict"></p>`

/** @param {string} path */
const live = (path) => stream.value(path)

// The moment from which the accounts of the present run count.
export const since = () => accountingStart(stream.note?.clock?.scenario, stream.value("ledger.rebuilt"))

/**
 * The returned function is to be called a few times a second.
 * @param {HTMLElement} root
 */
export function balance(root) {
  return () => {
    const ledger = ledgerBalance(live)
    showLedger(root, ledger)
    write(byId(root, "energy-since"), `Energy since ${since()}`)
    write(byId(root, "verdict"), verdict(ledger))
    for (const id of ["verdict", "energy-flow", "residual"]) flag(byId(root, id), "freshness", stream.freshness())
  }
}

/**
 * @param {HTMLElement} root
 * @param {import("../plant/ledger_balance.js").Balance | null} ledger
 */
function showLedger(root, ledger) {
  const rA = stream.value("ledger.r_a")
  const residual = byId(root, "residual")
  write(residual, power10(rA))
  flag(residual, "abnormal", rA !== null && Math.abs(rA) > 1e-9 ? "yes" : "no")
  const decimals = ledger && Math.abs(ledger.in) >= 100 ? 1 : 3
  /** @param {number} value */
  const energy = (value) => `${fixed(value, decimals)} kWh`
  const sums = ledger ? `in ${energy(ledger.in)} → out ${energy(ledger.out)}, stored ${energy(ledger.stored)}` : "–"
  write(byId(root, "energy-flow"), sums)
  const sides = stacks(ledger)
  const length = Math.max(
    1e-12,
    [...sides.in.values()].reduce((all, value) => all + value, 0),
  )
  for (const [side, values] of Object.entries(sides)) {
    for (const element of queryAll(root, `[data-stack="${side}"] i`)) {
      const value = values.get(element.dataset.part ?? "") ?? 0
      element.style.width = `${((100 * value) / length).toFixed(2)}%`
    }
  }
  for (const { id } of [...IN, ...OUT, STORED]) {
    const value = ledger ? ledger.given.get(id) : null
    write(byId(root, `energy-${id}`), fixed(value, decimals))
    // Greyed and not hidden: nothing below may move when energy without a source appears.
    const rare = id === "unsourced" || id === "surroundings"
    if (rare) flag(query(root, `li[data-part="${id}"]`), "unused", value ? "no" : "yes")
  }
}

/** @param {import("../plant/ledger_balance.js").Balance | null} ledger */
function verdict(ledger) {
  const means = lapMeans(live)
  const why = unsteady(live)
  const settled = stream.settled()
  if (settled && !why && means) {
    const { taken, given } = means
    const claimed = Object.values(stream.note?.module?.hypotheses ?? {}).includes("claimed")
    if (taken !== null && given !== null) return verdictOverLaps({ ...means, taken, given }, claimed)
  }
  const wait = settled && why ? why : settling(stream.plc(), stream.value("chain.laps") ?? 0)
  return verdictSoFar(ledger, stream.value("grid.import_energy"), stream.value("grid.export_energy"), since(), wait)
}

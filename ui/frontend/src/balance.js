// Where the energy came from and where it went since the start of the run, on one scale, and what that means.

import { byId, flag, write } from "./dom.js"
import { fixed, power10 } from "./format.js"
import { settling, lapMeans, lapsText, settled } from "./readings.js"
import { unsteady } from "./steady.js"
import { since } from "./since.js"
import { stream } from "./stream.js"

const IN = [
  { id: "grid-in", label: "From the grid", paths: ["compressor", "auxiliary"] },
  { id: "water", label: "Heat from the water", paths: ["heat_from_water", "bath"] },
  { id: "unsourced", label: "No source in the model", paths: ["unsourced"] },
  { id: "surroundings", label: "Surroundings that changed", paths: ["environment", "reference"] },
]
const OUT = [
  { id: "grid-out", label: "To the grid", paths: ["grid"] },
  { id: "air", label: "Heat of compression, air vented", paths: ["aftercooler", "receiver_heat", "vent"] },
  { id: "drag", label: "Water: drag, exchange", paths: ["drag_local", "drag_bulk", "water_exchange", "jet_wake", "h1_slip"] },
  { id: "mechanics", label: "Chain, brake, gearbox, flywheel", paths: ["chain_friction", "brake", "gearbox", "flywheel_windage", "clutch"] },
  { id: "electrics", label: "Generator, converter, auxiliaries", paths: ["generator_copper", "generator_iron", "generator_mechanical", "generator_stray", "converter", "auxiliary_heat", "chopper", "dump_load"] },
]

const segment = ({ id, label }) => `<i data-part="${id}" title="${label}"></i>`
const item = ({ id, label }) => `<li data-part="${id}"><i></i>${label} <b data-testid="energy-${id}">–</b></li>`
const STORED = { id: "stored", label: "Stored in air, water, motion" }
// A negative flow is drawn on the other side, so both stacks have every part.
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

export function balance(root) {
  return () => {
    const ledger = read()
    showLedger(root, ledger)
    write(byId(root, "energy-since"), `Energy since ${since()}`)
    write(byId(root, "verdict"), verdict(ledger))
    for (const id of ["verdict", "energy-flow", "residual"]) flag(byId(root, id), "freshness", stream.freshness())
  }
}

function read() {
  const sum = ({ paths }) => {
    const values = paths.map((path) => stream.value(`ledger.${path}`))
    return values.includes(null) ? null : values.reduce((total, value) => total + value, 0)
  }
  const given = new Map([...IN, ...OUT].map((part) => [part.id, sum(part)]))
  if ([...given.values()].includes(null)) return null
  const total = (parts) => parts.reduce((all, { id }) => all + given.get(id), 0)
  const residual = stream.value("ledger.residual") ?? 0
  given.set("stored", total(IN) - total(OUT) + residual)
  return { given, in: total(IN), out: total(OUT), stored: given.get("stored") }
}

function showLedger(root, ledger) {
  const rA = stream.value("ledger.r_a")
  const residual = byId(root, "residual")
  write(residual, power10(rA))
  flag(residual, "abnormal", rA !== null && Math.abs(rA) > 1e-9 ? "yes" : "no")
  const decimals = ledger && Math.abs(ledger.in) >= 100 ? 1 : 3
  const flow = ledger
    ? `in ${fixed(ledger.in, decimals)} kWh → out ${fixed(ledger.out, decimals)} kWh, stored ${fixed(ledger.stored, decimals)} kWh`
    : "–"
  write(byId(root, "energy-flow"), flow)
  const sides = { in: new Map(), out: new Map() }
  for (const part of IN) place(sides, "in", "out", part.id, ledger)
  for (const part of [...OUT, STORED]) place(sides, "out", "in", part.id, ledger)
  const length = Math.max(1e-12, [...sides.in.values()].reduce((all, value) => all + value, 0))
  for (const side of ["in", "out"]) {
    for (const element of root.querySelectorAll(`[data-stack="${side}"] i`)) {
      const value = sides[side].get(element.dataset.part) ?? 0
      element.style.width = `${((100 * value) / length).toFixed(2)}%`
    }
  }
  for (const { id } of [...IN, ...OUT, STORED]) {
    const value = ledger ? ledger.given.get(id) : null
    write(byId(root, `energy-${id}`), fixed(value, decimals))
    // It keeps its place: what comes below must not move when energy without a source appears.
    if (id === "unsourced" || id === "surroundings") flag(root.querySelector(`li[data-part="${id}"]`), "unused", value ? "no" : "yes")
  }
}

function place(sides, own, other, id, ledger) {
  const value = ledger ? ledger.given.get(id) : 0
  if (value >= 0) sides[own].set(id, value)
  else sides[other].set(id, -value)
}

function verdict(ledger) {
  const means = lapMeans()
  const why = unsteady()
  if (settled() && !why && means && means.taken !== null && means.given !== null) return overLaps(means)
  const taken = stream.value("grid.import_energy")
  const given = stream.value("grid.export_energy")
  if (taken === null || given === null || !ledger) return "No numbers from the plant: nothing can be said of its balance now."
  if (taken === 0 && given === 0) return "No energy has flowed in this run yet."
  const so = `${since() === "the start" ? "So far" : `Since ${since()}`} it has taken ${fixed(taken, 3)} kWh from the grid and delivered ${fixed(given, 3)} kWh.`
  const { word, text } = settled() && why ? why : settling()
  const wait = word === "settling" || word === "not steady" ? ` ${text[0].toUpperCase()}${text.slice(1)}.` : ""
  return `${given < taken ? "This plant takes more than it delivers. " : ""}${so}${wait}`
}

function overLaps({ laps, taken, given, cop, withoutClaims, unsourced }) {
  const span = `mean of ${laps === 1 ? "the last lap" : `the last ${lapsText(laps)}`}`
  const claimed = Object.values(stream.note?.module?.hypotheses ?? {}).includes("claimed")
  const claims = claimed && withoutClaims !== null ? ` Without what the claims add, the COP is ${fixed(withoutClaims, 3)}.` : ""
  const numbers = `${fixed(taken, 1)} kW in, ${fixed(given, 1)} kW out (${span})`
  if (given <= taken) {
    const back = cop === null ? "" : ` Of each kWh taken, ${fixed(cop, 2)} kWh comes back.`
    return `This plant takes more than it delivers: ${numbers}.${back}${claims}`
  }
  if (unsourced > 0) return `More comes out than goes in, ${numbers}, but ${fixed(unsourced, 1)} kW of it has no source in the model.${claims}`
  return `More came out than went in over this span, ${numbers}: stored energy, warm water or changing surroundings paid for it.${claims}`
}

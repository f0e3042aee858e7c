// Energy: where power flows, and the accounts of both laws since the start, each with its residual; now, or at a moment of the
// past as the recorder has it.

import { MISSING, moment as told } from "../format.js"
import { PATHS, recordedMeans } from "../plant/flows.js"
import { INPUTS, OUTPUTS, STORES } from "../plant/ledger_lines.js"
import { storesChanged, unsteady } from "../plant/steadiness.js"
import { sankeyChart } from "../plots/sankey.js"
import { RecordedValues } from "../stream/recorded_values.js"
import { stream } from "../stream/stream.js"
import { view } from "../stream/view_state.js"
import { since } from "../widgets/balance.js"
import { byId, flag, queryAll, write } from "../widgets/dom.js"
import { followTime, timebar } from "../widgets/timebar.js"
import { facts, number, values } from "../widgets/values.js"

/** @typedef {import("../stream/recorded_values.js").Found} Found */
/** @typedef {[name: string, lines: [name: string, label: string][]]} Side Of a ledger. */

const REBUILT = /** @type {Side} */ (["at the fork", [["rebuilt", "Held in addition by the rebuilt machine"]]])
/**
 * @param {{ name: string, label: string }} line
 * @returns {[string, string]}
 */
const labelled = ({ name, label }) => [name, label]

/** @type {Side[]} */
const FIRST = [["in", INPUTS.map(labelled)], ["out", OUTPUTS.map(labelled)], ["stored", STORES], REBUILT]
/** @type {Side[]} */
const SECOND = [
  [
    "in",
    [
      ["work_in", "Work: compressor, auxiliaries"],
      ["heat_exergy", "Heat from the water"],
      ["unsourced", "Without a source in the model"],
      ["environment", "Surroundings that change: work, heat"],
      ["dead_state", "Shift of the surroundings that it counts from"],
    ],
  ],
  [
    "out",
    [
      ["grid", "To the grid"],
      ["stored", "Stored more than at the start"],
    ],
  ],
  [
    "destroyed",
    [
      ["losses", "Mechanical and electrical losses"],
      ["destroyed_compressor", "Compressor and aftercooler"],
      ["destroyed_receiver_mixing", "Mixing in the receiver"],
      ["destroyed_receiver_wall", "Receiver wall"],
      ["destroyed_relief", "Relief valve"],
      ["destroyed_valve", "Throttling at the injection"],
      ["destroyed_pocket_mixing", "Mixing in the pockets"],
      ["destroyed_pocket_heat", "Heat into the pockets"],
      ["destroyed_vent", "Vented air"],
      ["destroyed_recovery", "Recovered air not used"],
      ["destroyed_bath", "Finite bath"],
    ],
  ],
  ["stored", [["stored_total", "All stores, now"], ...STORES, ["stored_recovered", "Air caught by the hood"]]],
  REBUILT,
]

/**
 * @param {string} group
 * @param {boolean} twice
 */
const line =
  (group, twice) =>
  (/** @type {string[]} */ [name, label]) => {
    const again = stockless(name) ? "" : `<b data-v="sampled.${name}">–</b>`
    return `
<tr data-line-of="${name}"><th scope="row">${label}</th><td><b data-v="${group}.${name}">–</b></td>${twice ? `<td>${again}</td>` : ""}</tr>`
  }
/** @param {string} name */
const stockless = (name) => name.startsWith("stored_") || name === "reference" || name === "rebuilt"
/**
 * @param {string} group
 * @param {number} columns
 */
const side =
  (group, columns) =>
  (/** @type {Side} */ [name, lines]) => `
<tbody><tr class="group"><th scope="rowgroup" colspan="${columns + 1}">${name}</th></tr>
${lines.map(line(group, columns > 1)).join("")}</tbody>`
/**
 * @param {string} id
 * @param {string} caption
 * @param {string[]} heads
 * @param {Side[]} sides
 * @param {string} group
 */
const table = (id, caption, heads, sides, group) => `
<table class="ledger" data-testid="${id}"><caption data-caption="${caption}">${caption}</caption>
<thead><tr><td></td>${heads.map((head) => `<th scope="col">${head}</th>`).join("")}</tr></thead>
${sides.map(side(group, heads.length)).join("")}
</table>`

/**
 * @param {string} path
 * @param {string} label
 * @param {string} gate
 */
const residual = (path, label, gate) => `
<div class="fact"><dt>${label}</dt>
  <dd><b data-v="${path}" data-power data-gate="${gate}" data-testid="v-${path}">–</b> <span class="gate">gate ${gate}</span></dd></div>`

/** @type {(string | [string, string])[]} */
const BALANCE = [
  ["meters.cop", "COP, corrected for the stores"],
  ["meters.cop_without_claims", "COP without what claims add"],
  ["meters.cop_raw", "COP raw: export over import"],
  ["meters.net_power", "Net power, lap mean"],
  `<div class="fact"><dt>Laps of the means</dt><dd data-testid="steady">–</dd></div>`,
  ["meters.grid_power", "To the grid, lap mean"],
  ["meters.compressor_power", "Compressor, lap mean"],
  ["meters.unsourced_power", "Without a source, lap mean"],
  ["powers.unsourced", "Without a source, now"],
  ["ledger.unsourced", "Without a source, so far"],
]
const FIRST_CAPTION = "First law since the start, kWh"
const SECOND_CAPTION = "Second law since the start: exergy, kWh"

export const HTML = `
<div class="columns two">
  <section class="card panel wide"><header>
    <h2>Power flow <small>kW, mean of the last 2 s of simulated time</small></h2>
    <p data-testid="flow-sum"></p>${timebar("e-", { windows: false, exports: false })}</header>
    <p class="moment" data-testid="e-moment" role="status" hidden></p>
    <div class="sankey" data-testid="sankey" role="group" aria-label="power flow" tabindex="0"></div></section>
  ${facts("Balance", BALANCE)}
  <section class="card panel"><header><h2>What does not close</h2></header><dl class="factlist">
    ${residual("ledger.r_a", "First law, every joule booked R<sub>A</sub>", "1e-9")}
    ${residual("sampled.r_b", "First law, powers integrated again R<sub>B</sub>", "1e-4")}
    ${residual("exergy.r_c", "Second law, exergy R<sub>C</sub>", "1e-3")}
    ${number("ledger.residual", "Residual of the first law", "data-decimals=6")}
  </dl><p class="hint">Each is relative to the energy scale of the run, and turns red beyond its gate.</p></section>
  <section class="card panel">${table("first-law", FIRST_CAPTION, ["booked", "integrated again"], FIRST, "ledger")}</section>
  <section class="card panel">${table("second-law", SECOND_CAPTION, ["exergy"], SECOND, "exergy")}</section>
</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands }) {
  const shown = queryAll(root, "[data-v]").map(({ dataset }) => dataset.v ?? "")
  const names = [...new Set([...PATHS, ...shown, "meters.laps", "meters.storage_share", "meters.storage_limit"])]
  const moment = new RecordedValues(commands, () => names, PATHS)
  /** @param {string} path */
  const read = (path) => (view.live ? stream.value(path) : moment.value(path))
  const show = values(root, read)
  const bar = followTime(root, "e-", () => moment.problem)
  const chart = sankeyChart(byId(root, "sankey"), byId(root, "flow-sum"))
  const gates = queryAll(root, "[data-gate]")
  /** @type {{ of: Found | null, means: Map<string, number | null> | null }} */
  let flows = { of: null, means: null }
  return {
    round: () => {
      const found = moment.follow()
      bar()
      for (const caption of queryAll(root, "[data-caption]"))
        write(caption, (caption.dataset.caption ?? "").replace("the start", since()))
      tell(byId(root, "e-moment"), found, moment)
      show()
      tellSteady(byId(root, "steady"), read)
      if (flows.of !== found) flows = { of: found, means: found && recordedMeans((path) => moment.value(path, "mean")) }
      if (view.live) chart.round()
      else if (!moment.held) chart.past(flows.means)
      for (const gate of gates) {
        const value = read(gate.dataset.v ?? "")
        gate.dataset.abnormal = value !== null && Math.abs(value) > Number(gate.dataset.gate) ? "yes" : "no"
      }
      for (const row of queryAll(root, 'tr[data-line-of="unsourced"]'))
        row.classList.toggle("alarming", (read("ledger.unsourced") ?? 0) > 0)
    },
    restyle: () => chart.restyle(),
    resize: () => chart.restyle(),
  }
}

/**
 * Says whether there are means, and in any case by how much the stores changed.
 * @param {HTMLElement} element
 * @param {ui.Read} read
 */
function tellSteady(element, read) {
  const why = unsteady(read)
  const stores = storesChanged(read)
  write(element, why?.text ?? (stores ? `steady: ${stores.text}` : MISSING))
  flag(element, "withheld", why ? "yes" : "no")
}

/**
 * Says which moment the numbers are of.
 * @param {HTMLElement} element
 * @param {Found | null} found
 * @param {RecordedValues} values
 */
function tell(element, found, { problem, held }) {
  element.hidden = view.live
  if (view.live) return
  if (held) {
    const recorder = problem ? `The recorder has nothing of it: ${problem}.` : "Asking the recorder …"
    return write(element, `Held at ${told(view.at)}: the last that this page has heard. ${recorder}`)
  }
  if (!found)
    return write(element, problem ? "Past: there are no numbers of this moment." : "Past: asking the recorder …")
  const left = found.missing ? ` ${found.missing} of the numbers are not recorded in this run and are left out.` : ""
  write(element, `Past: this page shows what the recorder has at ${told(found.t)} of run ${found.run}.${left}`)
}

// The lab: each claim as it acts in the plant now, and the plant with each claim off, physical and as claimed.

import { byId, flag, write } from "./dom.js"
import { inForce, told } from "./fields.js"
import { MISSING, fixed } from "./format.js"
import { stream } from "./stream.js"
import { number, values } from "./values.js"

const MODES = ["off", "physical", "claimed"]
const CLAIMS = [
  ["h1", "H1 Bubbles", "Gas bubbles in the down shaft make the water lighter there, so the descending floaters need less force.", "Physical: the bubbles are compressed and paid for, and push the water.", [["hypotheses.void_fraction", "Void fraction"], ["hypotheses.bubble_force", "Force on the chain"], ["hypotheses.airlift_force", "Force on the water"], ["powers.h1_slip", "Paid, not recovered"]]],
  ["h2", "H2 Heat", "Heat from the water expands the air in the pockets.", "Physical: a spray warms the pockets; its pump is paid for.", [["powers.heat_from_water", "Heat into the pockets"], ["powers.auxiliary", "Auxiliaries"]]],
  ["h3", "H3 Pulse", "Pulse and coast: air and generator work in pulses.", "Physical: the clutch and its losses are computed.", [["drivetrain.clutch_torque", "Clutch torque"], ["powers.clutch", "Lost in the clutch"]]],
  ["jet", "Water jet", "Water that air expels from a floater leaves as a jet that pushes it.", "Physical: the jet's energy comes from the air's pressure.", [["hypotheses.jet_flow", "Water expelled"], ["hypotheses.jet_force", "Thrust on the chain"], ["powers.jet_wake", "Left in the wake"]]],
  ["recovery", "Recovery", "The pressure of the vented air is recovered.", "Physical: a hood catches what overpressure there is.", [["hypotheses.recovered_flow", "Offered to the compressor"], ["compressor.power", "Compressor"]]],
]
const COLUMNS = [["net_power", "Net power", "kW", 1e-3, 2], ["grid_power", "To the grid", "kW", 1e-3, 2], ["taken", "Taken from it", "kW", 1e-3, 2], ["cop", "COP", "", 1, 3], ["unsourced_power", "Without a source", "kW", 1e-3, 2], ["chain_speed", "Chain speed", "m/s", 1, 3]]

const card = ([id, title, claim, physical, numbers]) => `
<section class="card panel claim" data-claim="${id}" data-testid="claim-${id}"><header><h2>${title}</h2></header>
  <div class="buttons" role="group" aria-label="${title}">${MODES.map((mode) => `<button data-mode="${mode}" data-testid="${id}-${mode}" aria-pressed="false">${mode}</button>`).join("")}</div>
  <p class="hint">${claim} ${physical}</p>
  <dl class="factlist">${numbers.map((each) => number(...each)).join("")}
    <div class="fact unpaid"><dt>Without a source, now</dt><dd><b data-v="hypotheses.unsourced_power_${id}" data-testid="v-unsourced-${id}">–</b> <span class="unit"></span></dd></div>
    <div class="fact unpaid"><dt>Without a source, so far</dt><dd><b data-v="hypotheses.unsourced_energy_${id}">–</b> <span class="unit"></span></dd></div>
  </dl>
  <table class="rows sides" data-testid="sides-${id}"><caption class="hint">Alone, all others off</caption><thead><tr><th scope="col"></th>${MODES.map((mode) => `<th scope="col">${mode}</th>`).join("")}</tr></thead><tbody>${COLUMNS.map(([, label, unit]) => `<tr><th scope="row">${label}<small>${unit}</small></th><td>–</td><td>–</td><td>–</td></tr>`).join("")}</tbody></table>
</section>`

export const HTML = `
<section class="card panel"><header><h2>Side by side <small>eleven plants with the parameters in force, each claim alone, computed by the same model</small></h2>
  <button data-testid="compare" class="primary">Compute the comparison</button></header>
  <p class="hint" role="status" data-testid="compare-answer">What each claim costs and brings, as means of the last laps. The live plant goes on meanwhile.</p></section>
<div class="claims">${CLAIMS.map(card).join("")}</div>`

export function start(root, { commands }) {
  const show = values(root)
  for (const button of root.querySelectorAll("[data-mode]")) {
    const { claim } = button.closest("[data-claim]").dataset
    button.onclick = () => commands.plant("set_parameters", { [`${claim}_mode`]: button.dataset.mode })
  }
  const compare = byId(root, "compare")
  compare.onclick = async () => {
    const answer = byId(root, "compare-answer")
    const parameters = inForce()
    if (!parameters) return write(answer, "the parameters in force are not known yet")
    compare.disabled = true
    write(answer, "Eleven plants are being computed …")
    try {
      const { rows, duration } = await commands.ask("compare", { parameters })
      fill(root, rows)
      write(answer, `${duration} simulated seconds from standstill, ${rows[0].laps} laps in the means; water ${told(parameters.water_depth)} m, ${parameters.floater_count} floaters. Coloured: without a source.`)
    } catch (error) {
      write(answer, error.message)
    }
    compare.disabled = false
  }
  return {
    round: () => {
      show()
      const live = stream.freshness() !== "missing"
      for (const [id] of CLAIMS) {
        const mode = live ? stream.note?.module?.hypotheses?.[id] : null
        for (const button of root.querySelectorAll(`[data-claim="${id}"] [data-mode]`)) {
          button.setAttribute("aria-pressed", String(button.dataset.mode === mode))
          button.disabled = !live || !stream.clockLive()
        }
        flag(root.querySelector(`[data-claim="${id}"]`), "unpaid", (stream.value(`hypotheses.unsourced_energy_${id}`) ?? 0) > 0 ? "yes" : "no")
      }
    },
  }
}

function fill(root, rows) {
  const find = (hypothesis, mode) => rows.find((row) => row.hypothesis === hypothesis && row.mode === mode)
  for (const [id] of CLAIMS) {
    const body = byId(root, `sides-${id}`).querySelector("tbody")
    const plants = [find("none", "off"), find(id, "physical"), find(id, "claimed")]
    COLUMNS.forEach(([name, , , factor, decimals], line) => {
      plants.forEach((plant, i) => {
        const cell = body.rows[line].cells[i + 1]
        const value = name === "taken" ? sum(plant.compressor_power, plant.auxiliary_power) : plant[name]
        write(cell, plant.trip ? `trip` : value === null ? MISSING : fixed(value * factor, decimals))
        cell.title = plant.trip ?? ""
        flag(cell, "unpaid", name === "unsourced_power" && value > 0 ? "yes" : "no")
      })
    })
  }
}

const sum = (a, b) => (a === null || b === null ? null : a + b)

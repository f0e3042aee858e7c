// The lab: what each claim does in the running plant, beside plants with that claim alone: off, physical and as claimed.
//
// The comparison is computed by the server for the parameters in force, and again when they change, while this page is open.
// Only settled plants are compared: means over laps that are alike, without the start. The same holds for the running plant.

import { fixed, MISSING } from "../format.js"
import { COMPARED, windowsText } from "../plant/comparison.js"
import { settling } from "../plant/lap_means.js"
import { valueText } from "../plant/parameters.js"
import { unsteady } from "../plant/steadiness.js"
import { messageOf } from "../stream/commands.js"
import { stream } from "../stream/stream.js"
import { byId, flag, query, queryAll, write } from "../widgets/dom.js"
import { inForce } from "../widgets/parameter_form.js"
import { number, values } from "../widgets/values.js"

const MODES = ["off", "physical", "claimed"]
/** @typedef {[path: string, label: string]} Reading */
/** @typedef {[id: ui.Hypothesis, title: string, claim: string, physical: string, numbers: Reading[]]} Claim */
/** @typedef {{ word: string, text: string }} Reason */

/** @type {Claim[]} */
const CLAIMS = [
  [
    "h1",
    "H1 Bubbles",
    "Gas bubbles in the down shaft make the water lighter there, so the descending floaters need less force.",
    "Physical: compressing the bubbles is paid for, and they push the water.",
    [
      ["hypotheses.void_fraction", "Void fraction"],
      ["hypotheses.bubble_force", "Force on the chain"],
      ["hypotheses.airlift_force", "Force on the water"],
      ["powers.h1_slip", "Paid, not recovered"],
    ],
  ],
  [
    "h2",
    "H2 Heat",
    "Heat from the water expands the air in the pockets.",
    "Physical: a spray warms the pockets; its pump is paid for.",
    [
      ["powers.heat_from_water", "Heat into the pockets"],
      ["powers.auxiliary", "Auxiliaries"],
    ],
  ],
  [
    "h3",
    "H3 Pulse",
    "Pulse and coast: air and generator work in pulses.",
    "Physical: the clutch and its losses are computed.",
    [
      ["drivetrain.clutch_torque", "Clutch torque"],
      ["powers.clutch", "Lost in the clutch"],
    ],
  ],
  [
    "jet",
    "Water jet",
    "Water that air expels from a floater leaves as a jet that pushes it.",
    "Physical: the jet's energy comes from the air's pressure.",
    [
      ["hypotheses.jet_flow", "Water expelled"],
      ["hypotheses.jet_force", "Thrust on the chain"],
      ["powers.jet_wake", "Left in the wake"],
    ],
  ],
  [
    "recovery",
    "Recovery",
    "The pressure of the vented air is recovered.",
    "Physical: a hood catches what overpressure there is.",
    [
      ["hypotheses.recovered_flow", "Offered to the compressor"],
      ["compressor.power", "Compressor"],
    ],
  ],
]
const SETTLED = 1000 // milliseconds that the parameters have to stay the same before a comparison is worth computing

/** @param {string} id */
const modeButton = (id) => (/** @type {string} */ mode) =>
  `<button data-mode="${mode}" data-testid="${id}-${mode}" aria-pressed="false">${mode}</button>`

/**
 * @param {string} path
 * @param {string} label
 * @param {string} id
 */
const unpaid = (path, label, id) => `
    <div class="fact unpaid"><dt>${label}</dt
      ><dd><b data-v="${path}"${id ? ` data-testid="${id}"` : ""}>–</b> <span class="unit"></span></dd></div>`

/** @param {import("../plant/comparison.js").ComparedLine} line */
const comparedLine = ({ label, unit, hint }) =>
  `<tr><th scope="row"${hint ? ` title="${hint}"` : ""}>${label}<small>${unit}</small></th
    ><td>–</td><td>–</td><td>–</td><td class="now">–</td></tr>`

const SIDES = `<thead><tr><th scope="col"></th>
  ${MODES.map((mode) => `<th scope="col" data-mode-column="${mode}">${mode}</th>`).join("")}
  <th scope="col" class="now">running</th></tr></thead><tbody>${COMPARED.map(comparedLine).join("")}</tbody>`

/** @param {Claim} claim */
const card = ([id, title, claim, physical, numbers]) => `
<section class="card panel claim" data-claim="${id}" data-testid="claim-${id}"><header><h2>${title}</h2></header>
  <div class="buttons" role="group" aria-label="${title}">${MODES.map(modeButton(id)).join("")}</div>
  <p class="hint">${claim} ${physical}</p>
  <dl class="factlist">${numbers.map(([path, label]) => number(path, label)).join("")}
    ${unpaid(`hypotheses.unsourced_power_${id}`, "Without a source, now", `v-unsourced-${id}`)}
    ${unpaid(`hypotheses.unsourced_energy_${id}`, "Without a source, so far", "")}
  </dl>
  <table class="rows sides" data-testid="sides-${id}"><caption class="hint">Means of laps that are alike, without the start:
    this claim alone with all others off, computed; and the running plant</caption>${SIDES}</table>
  <p class="hint" data-testid="withheld-${id}" data-withheld="yes"></p>
</section>`

export const HTML = `
<section class="card panel"><header><h2>Side by side <small>eleven plants with the parameters in force, each claim alone,
    computed by the same model</small></h2>
  <button data-testid="compare" hidden>Try again</button></header>
  <p class="hint" role="status" data-testid="compare-answer">The parameters in force are not known yet.</p></section>
<div class="claims" data-testid="claims">${CLAIMS.map(card).join("")}</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands }) {
  const show = values(root)
  const comparison = new Comparison(root, commands)
  for (const button of queryAll(root, "[data-mode]")) {
    const card = button.closest("[data-claim]")
    const claim = card instanceof HTMLElement ? card.dataset.claim : ""
    button.onclick = () => commands.plant("set_parameters", { [`${claim}_mode`]: button.dataset.mode })
  }
  return {
    round: () => {
      show()
      comparison.follow(performance.now())
      const live = stream.freshness() !== "missing"
      const replayed = Boolean(stream.note?.clock?.replay)
      for (const [id] of CLAIMS) {
        const mode = live ? stream.note?.module?.hypotheses?.[id] : null
        for (const button of queryAll(root, `[data-claim="${id}"] [data-mode]`, HTMLButtonElement)) {
          button.setAttribute("aria-pressed", String(button.dataset.mode === mode))
          button.disabled = !live || !stream.clockLive() || replayed
          button.title = replayed ? "this is a replay: what is recorded cannot be changed" : ""
        }
        for (const head of queryAll(root, `[data-claim="${id}"] [data-mode-column]`))
          flag(head, "inforce", head.dataset.modeColumn === mode ? "yes" : "no")
        flag(
          query(root, `[data-claim="${id}"]`),
          "unpaid",
          (stream.value(`hypotheses.unsourced_energy_${id}`) ?? 0) > 0 ? "yes" : "no",
        )
      }
      comparison.running()
    },
  }
}

class Comparison {
  /**
   * @param {HTMLElement} root
   * @param {ui.Commands} commands
   */
  constructor(root, commands) {
    this.root = root
    this.commands = commands
    /** @type {ui.LabRow[]} */
    this.rows = []
    this.of = "" // the parameters that the rows are of, as text
    this.wanted = "" // the parameters in force, as text
    this.since = 0
    /** @type {ui.Parameters | null} */
    this.seen = null
    this.busy = false
    this.failed = ""
    /** @type {Map<string, string>} Why a column has no COP, by claim and column. */
    this.held = new Map()
    byId(root, "compare").onclick = () => (this.failed = "")
  }

  /**
   * Asks for the comparison once the parameters have stayed the same for a while; which claims are on makes no difference.
   * @param {number} now
   */
  follow(now) {
    const parameters = inForce()
    if (parameters && parameters !== this.seen) {
      this.seen = parameters
      const wanted = JSON.stringify(
        Object.entries(parameters).filter(([name]) => !CLAIMS.some(([id]) => name === `${id}_mode`)),
      )
      if (wanted !== this.wanted) {
        this.wanted = wanted
        this.since = now
        this.failed = ""
      }
    }
    const old = this.wanted !== this.of
    flag(byId(this.root, "claims"), "old", old ? "yes" : "no")
    byId(this.root, "compare").hidden = !this.failed
    if (this.failed || !this.wanted) return
    if (old)
      write(
        byId(this.root, "compare-answer"),
        `Computing eleven plants with the parameters in force …${this.rows.length ? " Greyed out: with the parameters before." : ""}`,
      )
    if (old && !this.busy && now - this.since > SETTLED && parameters) this.ask(parameters)
  }

  /** @param {ui.Parameters} parameters */
  async ask(parameters) {
    this.busy = true
    const { wanted } = this
    const answer = byId(this.root, "compare-answer")
    try {
      const { rows } = await this.commands.ask("compare", { parameters })
      this.rows = rows
      this.of = wanted
      this.fill()
      write(
        answer,
        `With the parameters in force, from standstill until settled: ${windowsText(rows)}; ` +
          `water ${valueText(parameters.water_depth)} m, ${parameters.floater_count} floaters. ` +
          "Computed again when they change. Coloured: without a source.",
      )
    } catch (error) {
      if (wanted === this.wanted) {
        // an error about parameters that are no longer in force is of no interest
        this.failed = messageOf(error)
        write(answer, this.failed)
      }
    }
    this.busy = false
  }

  /**
   * @param {string} hypothesis
   * @param {string} mode
   */
  find(hypothesis, mode) {
    return this.rows.find((row) => row.hypothesis === hypothesis && row.mode === mode)
  }

  fill() {
    const off = this.find("none", "off")
    for (const [id] of CLAIMS) {
      const plants = [off, this.find(id, "physical"), this.find(id, "claimed")]
      plants.forEach((plant, i) => plant && this.column(id, i + 1, plant, off, notSettled(plant.t)))
    }
  }

  // The lap means of the running plant, whichever claims are on in it, as soon as its laps are alike too.
  running() {
    const settled = stream.settled()
    /** @param {string} name */
    const mean = (name) => (settled ? si(`meters.${name}`) : null)
    const means = {
      trip: null,
      settled,
      grid_power: mean("grid_power"),
      compressor_power: mean("compressor_power"),
      auxiliary_power: mean("auxiliary_power"),
      net_power: mean("net_power"),
      cop: mean("cop"),
      cop_without_claims: mean("cop_without_claims"),
      storage_share: mean("storage_share"),
      storage_limit: mean("storage_limit"),
      laps: mean("laps"),
      unsourced_power: mean("unsourced_power"),
      chain_speed: mean("chain_speed"),
    }
    const why = settling(stream.plc(), stream.value("chain.laps") ?? 0)
    const off = this.wanted === this.of ? this.find("none", "off") : undefined
    for (const [id] of CLAIMS) this.column(id, 4, means, off, why)
  }

  /**
   * Says which columns have no net power and no COP, and by how much their stores changed.
   * @param {string} id
   * @param {number} place
   * @param {ui.Withheld | null} held
   */
  tell(id, place, held) {
    if (held) this.held.set(`${id} ${place}`, `${[...MODES, "running"][place - 1]}: ${held.text}`)
    else this.held.delete(`${id} ${place}`)
    const told = [1, 2, 3, 4].map((each) => this.held.get(`${id} ${each}`)).filter(Boolean)
    write(byId(this.root, `withheld-${id}`), told.join("; "))
  }

  /**
   * Fills one column in the table of a claim.
   * @param {string} id
   * @param {number} place
   * @param {ui.LabMeans} plant
   * @param {ui.LabMeans | undefined} off the plant without any claim
   * @param {Reason} why it has no means, if it has not settled
   */
  column(id, place, plant, off, why) {
    const body = query(byId(this.root, `sides-${id}`), "tbody", HTMLTableSectionElement)
    const held = plant.settled && !plant.trip ? unsteady((path) => meter(plant, path)) : null
    this.tell(id, place, held)
    COMPARED.forEach((line, i) => {
      const cell = body.rows[i].cells[place]
      const value = line.of(plant, off)
      const { word, text } = reason(plant, line.steady && value === null ? held : null, why)
      write(cell, value === null ? word : fixed(value * line.factor, line.decimals))
      if (cell.title !== text) cell.title = text
      flag(cell, "unpaid", line.unpaid && value !== null && value > 0 ? "yes" : "no")
    })
  }
}

/**
 * Why a plant has no value: it has tripped, has not settled, or its stores have changed.
 * @param {ui.LabMeans} plant
 * @param {ui.Withheld | null} withheld
 * @param {Reason} unsettled
 * @returns {Reason}
 */
function reason(plant, withheld, unsettled) {
  if (plant.trip) return { word: "trip", text: plant.trip }
  if (!plant.settled) return unsettled
  return { word: withheld?.word ?? MISSING, text: withheld?.text ?? "" }
}

/**
 * A lap mean by the channel of the running plant that has the same one.
 * @param {ui.LabMeans} plant
 * @param {string} path
 */
const meter = (plant, path) => {
  const value = plant[/** @type {keyof ui.LabMeans} */ (path.replace("meters.", ""))]
  return typeof value === "number" ? value : null
}

/**
 * @param {number} t
 * @returns {Reason}
 */
const notSettled = (t) => ({ word: "not settled", text: `it did not settle within ${fixed(t, 0)} simulated seconds` })

/**
 * A number of the running plant in SI units, as it is on the bus.
 * @param {string} path
 */
function si(path) {
  const shown = stream.value(path)
  if (shown === null) return null
  const channel = stream.channel(path)
  return channel ? (shown - channel.offset) / channel.factor : null
}

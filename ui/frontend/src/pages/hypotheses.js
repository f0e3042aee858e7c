// The lab: each claim as it acts in the plant now, beside the plant with each claim alone: off, physical and as claimed.
//
// The comparison is computed by the server for the parameters in force, and again when they change, while this page is open.
// Only settled plants are compared: means over laps that are alike, without the start; the running one is held to the same.

import { fixed, MISSING } from "../format.js"
import { COMPARED, windowsText } from "../plant/comparison.js"
import { settling } from "../plant/lap_means.js"
import { valueText } from "../plant/parameters.js"
import { unsteady } from "../plant/steadiness.js"
import { stream } from "../stream/stream.js"
import { byId, flag, write } from "../widgets/dom.js"
import { inForce } from "../widgets/parameter_form.js"
import { number, values } from "../widgets/values.js"

const MODES = ["off", "physical", "claimed"]
const CLAIMS = [
  [
    "h1",
    "H1 Bubbles",
    "Gas bubbles in the down shaft make the water lighter there, so the descending floaters need less force.",
    "Physical: the bubbles are compressed and paid for, and push the water.",
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
const METERS = [
  "grid_power",
  "compressor_power",
  "auxiliary_power",
  "net_power",
  "cop",
  "cop_without_claims",
  "storage_share",
  "storage_limit",
  "laps",
  "unsourced_power",
  "chain_speed",
]
const SETTLED = 1000 // milliseconds that the parameters have to stay as they are

const modeButton = (id) => (mode) =>
  `<button data-mode="${mode}" data-testid="${id}-${mode}" aria-pressed="false">${mode}</button>`

const unpaid = (path, label, id) => `
    <div class="fact unpaid"><dt>${label}</dt
      ><dd><b data-v="${path}"${id ? ` data-testid="${id}"` : ""}>–</b> <span class="unit"></span></dd></div>`

const comparedLine = ({ label, unit, hint }) =>
  `<tr><th scope="row"${hint ? ` title="${hint}"` : ""}>${label}<small>${unit}</small></th
    ><td>–</td><td>–</td><td>–</td><td class="now">–</td></tr>`

const SIDES = `<thead><tr><th scope="col"></th>
  ${MODES.map((mode) => `<th scope="col" data-mode-column="${mode}">${mode}</th>`).join("")}
  <th scope="col" class="now">running</th></tr></thead><tbody>${COMPARED.map(comparedLine).join("")}</tbody>`

const card = ([id, title, claim, physical, numbers]) => `
<section class="card panel claim" data-claim="${id}" data-testid="claim-${id}"><header><h2>${title}</h2></header>
  <div class="buttons" role="group" aria-label="${title}">${MODES.map(modeButton(id)).join("")}</div>
  <p class="hint">${claim} ${physical}</p>
  <dl class="factlist">${numbers.map(([path, label]) => number(path, label)).join("")}
    ${unpaid(`hypotheses.unsourced_power_${id}`, "Without a source, now", `v-unsourced-${id}`)}
    ${unpaid(`hypotheses.unsourced_energy_${id}`, "Without a source, so far", "")}
  </dl>
  <table class="rows sides" data-testid="sides-${id}"><caption class="hint">Means of laps that are alike, without those of
    the start: alone with all others off, computed; and the running plant</caption>${SIDES}</table>
  <p class="hint" data-testid="withheld-${id}" data-withheld="yes"></p>
</section>`

export const HTML = `
<section class="card panel"><header><h2>Side by side <small>eleven plants with the parameters in force, each claim alone,
    computed by the same model</small></h2>
  <button data-testid="compare" hidden>Try again</button></header>
  <p class="hint" role="status" data-testid="compare-answer">The parameters in force are not known yet.</p></section>
<div class="claims" data-testid="claims">${CLAIMS.map(card).join("")}</div>`

export function start(root, { commands }) {
  const show = values(root)
  const comparison = new Comparison(root, commands)
  for (const button of root.querySelectorAll("[data-mode]")) {
    const { claim } = button.closest("[data-claim]").dataset
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
        for (const button of root.querySelectorAll(`[data-claim="${id}"] [data-mode]`)) {
          button.setAttribute("aria-pressed", String(button.dataset.mode === mode))
          button.disabled = !live || !stream.clockLive() || replayed
          button.title = replayed ? "this is a replay: what is recorded cannot be changed" : ""
        }
        for (const head of root.querySelectorAll(`[data-claim="${id}"] [data-mode-column]`))
          flag(head, "inforce", head.dataset.modeColumn === mode ? "yes" : "no")
        flag(
          root.querySelector(`[data-claim="${id}"]`),
          "unpaid",
          (stream.value(`hypotheses.unsourced_energy_${id}`) ?? 0) > 0 ? "yes" : "no",
        )
      }
      comparison.running()
    },
  }
}

class Comparison {
  constructor(root, commands) {
    Object.assign(this, {
      root,
      commands,
      rows: [],
      of: "",
      wanted: "",
      since: 0,
      seen: null,
      busy: false,
      failed: "",
      held: new Map(),
    })
    byId(root, "compare").onclick = () => (this.failed = "")
  }

  // Asks for the comparison as soon as the parameters have stayed the same for a moment; claims that are on do not count.
  follow(now) {
    const parameters = inForce()
    if (parameters && parameters !== this.seen) {
      this.seen = parameters
      const wanted = JSON.stringify(
        Object.entries(parameters).filter(([name]) => !CLAIMS.some(([id]) => name === `${id}_mode`)),
      )
      if (wanted !== this.wanted) Object.assign(this, { wanted, since: now, failed: "" })
    }
    const old = this.wanted !== this.of
    flag(byId(this.root, "claims"), "old", old ? "yes" : "no")
    byId(this.root, "compare").hidden = !this.failed
    if (this.failed || !this.wanted) return
    if (old)
      write(
        byId(this.root, "compare-answer"),
        `Computing eleven plants with the parameters in force …${this.rows.length ? " Greyed: with those before." : ""}`,
      )
    if (old && !this.busy && now - this.since > SETTLED) this.ask(parameters)
  }

  async ask(parameters) {
    this.busy = true
    const { wanted } = this
    const answer = byId(this.root, "compare-answer")
    try {
      const { rows } = await this.commands.ask("compare", { parameters })
      Object.assign(this, { rows, of: wanted })
      this.fill()
      write(
        answer,
        `With the parameters in force, from standstill until settled: ${windowsText(rows)}; ` +
          `water ${valueText(parameters.water_depth)} m, ${parameters.floater_count} floaters. ` +
          "Computed anew when they change. Coloured: without a source.",
      )
    } catch (error) {
      if (wanted === this.wanted) {
        this.failed = error.message
        write(answer, error.message)
      }
    }
    this.busy = false
  }

  find(hypothesis, mode) {
    return this.rows.find((row) => row.hypothesis === hypothesis && row.mode === mode)
  }

  fill() {
    const off = this.find("none", "off")
    for (const [id] of CLAIMS)
      [off, this.find(id, "physical"), this.find(id, "claimed")].forEach((plant, i) =>
        this.column(id, i + 1, plant, off),
      )
  }

  // What the meters of the running plant say of its last laps, whichever claims are on in it, once these are alike too.
  running() {
    const means = Object.fromEntries(METERS.map((name) => [name, stream.settled() ? si(`meters.${name}`) : null]))
    Object.assign(means, {
      trip: null,
      settled: stream.settled(),
      why: settling(stream.plc(), stream.value("chain.laps") ?? 0),
    })
    for (const [id] of CLAIMS) this.column(id, 4, means, this.wanted === this.of ? this.find("none", "off") : undefined)
  }

  // Which columns have no net power and no COP, and by how much their stores changed.
  tell(id, place, held) {
    if (held) this.held.set(`${id} ${place}`, `${[...MODES, "running"][place - 1]}: ${held.text}`)
    else this.held.delete(`${id} ${place}`)
    const told = [1, 2, 3, 4].map((each) => this.held.get(`${id} ${each}`)).filter(Boolean)
    write(byId(this.root, `withheld-${id}`), told.join("; "))
  }

  column(id, place, plant, off) {
    const body = byId(this.root, `sides-${id}`).querySelector("tbody")
    const read = (path) => plant[path.replace("meters.", "")] ?? null
    const held = plant.settled && !plant.trip ? unsteady(read) : null
    this.tell(id, place, held)
    COMPARED.forEach(({ of, factor, decimals, unpaid, steady }, line) => {
      const cell = body.rows[line].cells[place]
      const value = of(plant, off)
      const withheld = steady && value === null ? held : null
      const none = plant.trip
        ? "trip"
        : plant.settled
          ? (withheld?.word ?? MISSING)
          : (plant.why?.word ?? "not settled")
      write(cell, value === null ? none : fixed(value * factor, decimals))
      const why =
        plant.trip ??
        (plant.settled
          ? (withheld?.text ?? "")
          : (plant.why?.text ?? `it did not settle within ${fixed(plant.t, 0)} simulated seconds`))
      if (cell.title !== why) cell.title = why
      flag(cell, "unpaid", unpaid && value > 0 ? "yes" : "no")
    })
  }
}

// A number of the plant as it is on the bus.
function si(path) {
  const shown = stream.value(path)
  if (shown === null) return null
  const { factor, offset } = stream.channel(path)
  return (shown - offset) / factor
}

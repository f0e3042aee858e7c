// Floaters: place, air and force of each, as a table and as profiles along the loop.

import uPlot from "uplot"

import { fixed, moment as told } from "../format.js"
import { floaterRows } from "../plant/floaters.js"
import { RecordedValues } from "../stream/recorded_values.js"
import { stream } from "../stream/stream.js"
import { view } from "../stream/view_state.js"
import { byId, flag, query, write } from "../widgets/dom.js"
import { resizeRows, tableHead } from "../widgets/table.js"
import { colours } from "../widgets/theme.js"
import { followTime, timebar } from "../widgets/timebar.js"

const PARTS = ["position", "fill", "air_mass", "temperature"]

/** @typedef {import("../plant/floaters.js").FloaterRow} FloaterRow */
/** @typedef {import("../plant/floaters.js").Quantity} Quantity */
/** @typedef {[id: Quantity, label: string, unit: string, decimals: number]} Column */

/** @type {Column[]} */
const COLUMNS = [
  ["fill", "Air volume", "%", 1],
  ["mass", "Air mass", "kg", 3],
  ["temperature", "Temperature", "°C", 1],
  ["force", "Buoyancy along the chain", "kN", 3],
]

const HEADS = [
  "No.",
  "Where",
  { title: "Height", small: "m" },
  ...COLUMNS.map(([, label, unit]) => ({ title: label, small: unit })),
]

/** @param {Column} column */
const profile = ([id, label, unit]) =>
  `<figure class="plot" data-testid="profile-${id}" aria-label="${label} over the place along the loop"
    ><figcaption><b>${label}</b> <small>${unit}</small></figcaption><div class="canvas"></div></figure>`

export const HTML = `
<div class="columns floaters">
  <section class="card panel"><header><h2>Profiles <small>over the place along the loop<span
      class="gesture">: up run, top, down run, bottom; drag to zoom</span></small></h2
    >${timebar("f-", { windows: false, exports: false })}</header>
    <div class="profiles">${COLUMNS.map(profile).join("")}</div>
    <p class="hint" data-testid="force-sum"></p>
  </section>
  <section class="card panel"><header><h2>Floaters <small data-testid="floater-count"></small></h2></header>
    <div class="scroll" tabindex="0" aria-label="table of floaters"
      ><table class="rows" data-testid="floater-table">${tableHead(HEADS)}<tbody></tbody></table></div>
  </section>
</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands }) {
  const body = query(root, "tbody", HTMLTableSectionElement)
  const moment = new RecordedValues(commands, names)
  const bar = followTime(root, "f-", () => moment.problem)
  const charts = COLUMNS.map(
    ([id, label, , decimals]) => new Profile(byId(root, `profile-${id}`), root, id, label, decimals),
  )
  let due = 0
  return {
    round: () => {
      const now = performance.now()
      if (now < due) return
      due = now + 400 // milliseconds: a table that changes faster cannot be read
      bar()
      const found = moment.follow()
      const frozen = moment.held ? view.frozenFrame : null
      const rows = view.live ? floaters() : frozen ? rowsOfFrame(frozen) : recorded(moment)
      fill(body, rows, view.live || moment.held ? stream.note?.module?.served : moment.raw("valve.floater"))
      const at = view.live ? "" : `, at ${told(found?.t ?? view.range()[1])}`
      write(
        byId(root, "floater-count"),
        rows.length ? `${rows.length} on the chain${at}${moment.held ? ", as this page has it" : ""}` : "no data",
      )
      const sum = rows.reduce((all, { force }) => all + force, 0)
      const own = view.live ? stream.value("chain.buoyancy_force") : moment.value("chain.buoyancy_force")
      write(byId(root, "force-sum"), rows.length && own !== null ? forceText(sum, own) : "")
      for (const chart of charts) chart.draw(rows)
    },
    restyle: () => charts.forEach((chart) => chart.rebuild()),
    resize: () => charts.forEach((chart) => chart.rebuild()),
  }
}

/**
 * @param {number} sum
 * @param {number} own
 */
const forceText = (sum, own) =>
  "Force of floater i: ρ g V f, times the cosine of its direction. " +
  `Sum of the table ${fixed(sum, 2)} kN; the plant's own sum ${fixed(own, 2)} kN.`

function floaters() {
  const { frame } = stream
  return frame && stream.freshness() !== "missing" ? rowsOfFrame(frame) : []
}

/** @param {ui.Frame} frame */
function rowsOfFrame(frame) {
  const p = stream.geometry?.parameters
  if (!p) return []
  const air = Array.from(frame.fill, (fill, i) => {
    const kelvin = frame.temperature[i]
    return { fill, mass: frame.airMass[i], kelvin: Number.isNaN(kelvin) ? null : kelvin }
  })
  return floaterRows(p, [...frame.position], air)
}

const count = () => stream.frame?.position.length ?? 0
const names = () => [
  "chain.loop_length",
  "chain.buoyancy_force",
  "valve.floater",
  ...PARTS.flatMap((part) => Array.from({ length: count() }, (_, i) => `floaters.${part}[${i}]`)),
]

/**
 * The rows of a moment of the past; none if not all floaters are recorded.
 * @param {RecordedValues} moment
 */
function recorded(moment) {
  const p = stream.geometry?.parameters
  const loop = moment.raw("chain.loop_length")
  if (!p || !loop) return []
  const around = []
  const air = []
  for (let i = 0; i < count(); i++) {
    /** @param {string} part */
    const at = (part) => moment.raw(`floaters.${part}[${i}]`)
    const [position, fill, mass] = [at("position"), at("fill"), at("air_mass")]
    if (position === null || fill === null || mass === null) return []
    around.push(position / loop)
    air.push({ fill, mass, kelvin: at("temperature") })
  }
  return floaterRows(p, around, air)
}

/**
 * @param {HTMLTableSectionElement} body
 * @param {FloaterRow[]} rows
 * @param {number | null | undefined} served
 */
function fill(body, rows, served) {
  resizeRows(body, rows.length, 3 + COLUMNS.length)
  rows.forEach((row, i) => {
    const cells = body.rows[i].cells
    body.rows[i].classList.toggle("served", row.i === served)
    const texts = [
      String(row.i),
      row.i === served ? `${row.where}, being filled` : row.where,
      fixed(row.height, 1),
      ...COLUMNS.map(([id, , , decimals]) => fixed(row[id], decimals)),
    ]
    texts.forEach((text, c) => write(cells[c], text))
  })
}

class Profile {
  /**
   * @param {HTMLElement} figure
   * @param {HTMLElement} root
   * @param {Quantity} id
   * @param {string} label
   * @param {number} decimals
   */
  constructor(figure, root, id, label, decimals) {
    this.root = root
    this.figure = figure
    this.id = id
    this.label = label
    this.decimals = decimals
    this.box = query(figure, ".canvas")
    /** @type {uPlot | null} */
    this.chart = null
    /** @type {FloaterRow[]} */
    this.rows = []
    new ResizeObserver(() => this.rebuild()).observe(this.box)
  }

  rebuild() {
    this.chart?.destroy()
    this.chart = null
    if (this.box.clientWidth < 40) return // on a page that is not open; its size changes once it is opened
    const colour = colours(this.root)
    const axis = {
      stroke: colour("dim"),
      font: "11px Roboto, sans-serif",
      grid: { stroke: colour("grid"), width: 1 },
      ticks: { show: false },
    }
    const size = { width: this.box.clientWidth, height: Math.max(80, this.box.clientHeight) }
    /**
     * @param {uPlot} _
     * @param {number[]} ticks
     */
    const text = (_, ticks) => ticks.map((tick) => fixed(tick, tick % 1 ? ((tick * 10) % 1 ? 2 : 1) : 0))
    this.chart = new uPlot(
      {
        ...size,
        padding: [6, 12, 0, 0],
        legend: { show: false },
        cursor: { drag: { x: true, y: false } },
        scales: { x: { time: false } },
        axes: [
          { ...axis, size: 24, values: (_, ticks) => ticks.map((tick) => `${tick} m`) },
          { ...axis, size: 44, values: text },
        ],
        series: [{}, { stroke: colour("export"), width: 1, points: { show: true, size: 4, fill: colour("export") } }],
      },
      [[], []],
      this.box,
    )
    this.draw(this.rows)
  }

  /** @param {FloaterRow[]} rows */
  draw(rows) {
    this.rows = rows
    const { chart } = this
    if (!chart) return
    const sorted = rows.toSorted((a, b) => a.place - b.place)
    // Data come several times a second: a zoom has to stay until a double click ends it.
    const { min = -Infinity, max = Infinity } = chart.scales.x
    const [places] = chart.data
    const zoomed = places.length > 0 && (min > places[0] || max < places[places.length - 1])
    flag(this.figure, "zoomed", zoomed ? "yes" : "no")
    /** @type {uPlot.AlignedData} */
    const data = [sorted.map(({ place }) => place), sorted.map((row) => row[this.id])]
    chart.batch(() => {
      chart.setData(data, !zoomed)
      if (zoomed) chart.setScale("x", { min, max })
    })
  }
}

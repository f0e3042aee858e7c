// Key numbers: value, unit, the mean over the last laps, and a bar with the marks that give it meaning.

import { byId, flag, write } from "./dom.js"
import { MISSING, fixed } from "./format.js"
import { WITHHELD, unsteady } from "./steady.js"
import { stream } from "./stream.js"

const CARDS = [
  { id: "net-power", label: "Net power", path: "grid.net_power", mean: "meters.net_power", scale: "power", zero: true },
  { id: "grid-import", label: "Grid import", path: "grid.import_power", mean: "import", scale: "power" },
  { id: "grid-export", label: "Grid export", path: "grid.export_power", mean: "meters.grid_power", scale: "power" },
  { id: "cop", label: "COP", path: "meters.cop", scale: "cop", laps: true },
  { id: "chain-speed", label: "Chain speed", path: "chain.speed", mean: "meters.chain_speed", scale: "speed" },
  { id: "receiver-pressure", label: "Receiver pressure (abs.)", path: "receiver.pressure", range: true, scale: "pressure" },
  { id: "generator-speed", label: "Generator speed", path: "drivetrain.shaft_speed_rpm", mean: "meters.generator_rpm", scale: "rpm" },
]

export const READINGS = `
<section class="kpis" aria-label="key numbers">
  ${CARDS.map(
    ({ id, label }) => `
  <article class="card kpi" data-card="${id}">
    <h2>${label}</h2>
    <p><b data-testid="${id}">–</b> <span class="unit" data-testid="${id}-unit"></span><i class="trend" data-testid="${id}-trend"></i></p>
    <div class="bar" aria-hidden="true"><i class="band"></i><i class="mark"></i><i class="limit"></i><i class="needle"></i></div>
    <p class="mean" data-testid="${id}-mean"></p>
  </article>`,
  ).join("")}
</section>`

export function lapMeans() {
  const laps = stream.value("meters.laps")
  if (!laps) return null
  const compressor = stream.value("meters.compressor_power")
  const auxiliary = stream.value("meters.auxiliary_power")
  const taken = compressor === null || auxiliary === null ? null : compressor + auxiliary
  return { laps, taken, given: stream.value("meters.grid_power"), cop: stream.value("meters.cop"), withoutClaims: stream.value("meters.cop_without_claims"), unsourced: stream.value("meters.unsourced_power") }
}

// Whether the lap means are of one plant: laps that are alike, none of the start, no command in them.
export const settled = () => stream.freshness() !== "missing" && Boolean(stream.note?.module?.settled)

// Why there is no settled mean yet: a word, and a sentence with what is still to come.
export function settling() {
  const plc = stream.freshness() === "missing" ? null : stream.note?.module?.plc
  if (!plc) return { word: MISSING, text: "nothing is heard from the plant" }
  if (plc !== "running" && plc !== "coasting") return { word: plc.replaceAll("_", " "), text: `the plant is ${plc.replaceAll("_", " ")}: there is no settled lap` }
  const laps = stream.value("chain.laps") ?? 0
  return { word: "settling", text: `settling: ${lapsText(laps)} since the start; a mean is of five laps that are alike, without the first and without one in which something was changed` }
}

export function readings(root) {
  const scales = new Scales()
  return () => {
    const state = stream.connected ? stream.freshness() : "missing"
    const means = lapMeans()
    scales.follow()
    for (const card of CARDS) show(root.querySelector(`[data-card="${card.id}"]`), card, state, means, scales)
  }
}

function show(element, card, state, means, scales) {
  flag(element, "state", state)
  const channel = stream.channel(card.path)
  if (!channel) return
  const value = stream.value(card.path)
  const why = WITHHELD.has(card.path) || WITHHELD.has(card.mean) ? unsteady() : null
  flag(element, "withheld", why && card.laps ? "yes" : "no")
  write(byId(element, card.id), why && card.laps ? why.word : fixed(value, channel.decimals))
  write(byId(element, `${card.id}-unit`), channel.unit)
  element.title = channel.meaning
  write(byId(element, `${card.id}-mean`), meanText(card, channel, means, why))
  byId(element, `${card.id}-mean`).title = why?.text ?? ""
  showTrend(byId(element, `${card.id}-trend`), card.path, channel)
  const bar = scales.bar(card, value)
  const place = (name, from, to = from) => {
    const mark = element.querySelector(`.${name}`)
    const known = bar && Number.isFinite(from) && Number.isFinite(to)
    mark.hidden = !known
    if (!known) return
    const percent = (x) => Math.min(100, Math.max(0, (100 * (x - bar.low)) / (bar.high - bar.low)))
    mark.style.left = `${percent(from).toFixed(1)}%`
    if (name === "band") mark.style.width = `${(percent(to) - percent(from)).toFixed(1)}%`
  }
  place("needle", value ?? NaN)
  place("mark", bar?.mark ?? NaN)
  place("limit", bar?.limit ?? NaN)
  place("band", bar?.band?.[0] ?? NaN, bar?.band?.[1] ?? NaN)
}

// The way of the last seconds: mean of the newer half of the window against the older half.
const TREND = 10

function showTrend(element, path, channel) {
  const { series } = stream
  if (!series?.index.has(path) || stream.freshness() !== "live" || series.length < 4) return write(element, "")
  const [t, values] = series.window([path], series.last - TREND, series.last)
  const half = t.length >> 1
  if (t.length < 8 || t[t.length - 1] - t[0] < TREND / 2) return write(element, "")
  const mean = (from, to) => values.subarray(from, to).reduce((all, value) => all + value, 0) / (to - from)
  const change = mean(half, t.length) - mean(0, half)
  const least = Math.max(10 ** -channel.decimals, 0.005 * Math.abs(mean(0, t.length)))
  write(element, Math.abs(change) < least ? "→" : change > 0 ? "↗" : "↘")
  element.title = `mean of the last ${TREND / 2} s ${change < 0 ? "−" : "+"}${fixed(Math.abs(change), channel.decimals)} ${channel.unit} against those before`
}

function meanText(card, channel, means, why) {
  if (why && means) return card.laps ? why.short : `mean ${why.word}: ${why.figure ?? why.short}`
  if (card.laps) return means?.cop != null ? `${settled() ? "" : "settling, "}mean of ${lapsText(means.laps)}, even at 1` : "after the first lap, even at 1"
  if (card.range) {
    const low = stream.value("meters.receiver_pressure_min")
    const high = stream.value("meters.receiver_pressure_max")
    return low === null ? "range after the first lap" : `${fixed(low, 2)} to ${fixed(high, 2)} ${channel.unit} in ${lapsText(means.laps)}`
  }
  const mean = card.mean === "import" ? (means?.taken ?? null) : stream.value(card.mean)
  return mean === null ? "mean after the first lap" : `mean ${fixed(mean, channel.decimals)} ${channel.unit}`
}

export function lapsText(laps) {
  return laps === 1 ? "1 lap" : `${laps} laps`
}

// Marks come from the parameters in force; power bars share one scale, so that import and export compare by eye.
class Scales {
  constructor() {
    this.power = 1
    this.run = 0
  }

  follow() {
    const run = stream.frame?.run ?? 0
    if (run !== this.run) {
      this.run = run
      this.power = 1
    }
    const seen = ["grid.import_power", "grid.export_power", "meters.compressor_power"].map((path) => Math.abs(stream.value(path) ?? 0))
    while (this.power < Math.max(...seen)) this.power *= this.power.toString().startsWith("2") ? 2.5 : 2
  }

  bar(card, value) {
    const p = stream.geometry?.parameters
    if (card.scale === "power") return card.zero ? { low: -this.power, high: this.power, mark: 0 } : { low: 0, high: this.power }
    if (card.scale === "cop") return { low: 0, high: Math.max(1.25, 1.25 * (value ?? 0)), mark: 1 }
    if (!p) return null
    if (card.scale === "pressure") {
      return { low: 0, high: (1.1 * p.trip_pressure) / 1e5, band: [p.load_pressure / 1e5, p.unload_pressure / 1e5], limit: p.trip_pressure / 1e5 }
    }
    const setpoint = stream.value("plc.speed_setpoint_rpm")
    if (card.scale === "rpm") return { low: 0, high: 1.25 * p.generator_rated_speed, mark: setpoint, limit: 1.15 * p.generator_rated_speed }
    const metres = setpoint === null ? NaN : ((setpoint * Math.PI) / 30 / p.gear_ratio) * p.sprocket_radius
    return { low: 0, high: Math.max(0.1, 2 * metres || 1), mark: metres }
  }
}

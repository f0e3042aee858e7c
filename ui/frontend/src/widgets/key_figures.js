// Key figures: value, unit, the mean over the last laps, and a bar with the marks that give the value its meaning.

import { fixed } from "../format.js"
import { BarScales } from "../plant/bar_scales.js"
import { lapMeans, lapsText } from "../plant/lap_means.js"
import { unsteady, WITHHELD } from "../plant/steadiness.js"
import { stream } from "../stream/stream.js"
import { byId, flag, query, write } from "./dom.js"

/** @type {import("../plant/bar_scales.js").Card[]} */
const CARDS = [
  { id: "net-power", label: "Net power", path: "grid.net_power", mean: "meters.net_power", scale: "power", zero: true },
  { id: "grid-import", label: "Grid import", path: "grid.import_power", mean: "import", scale: "power" },
  { id: "grid-export", label: "Grid export", path: "grid.export_power", mean: "meters.grid_power", scale: "power" },
  { id: "cop", label: "COP", path: "meters.cop", scale: "cop", laps: true },
  { id: "chain-speed", label: "Chain speed", path: "chain.speed", mean: "meters.chain_speed", scale: "speed" },
  {
    id: "receiver-pressure",
    label: "Receiver pressure (abs.)",
    path: "receiver.pressure",
    range: true,
    scale: "pressure",
  },
  {
    id: "generator-speed",
    label: "Generator speed",
    path: "drivetrain.shaft_speed_rpm",
    mean: "meters.generator_rpm",
    scale: "rpm",
  },
]

export const KEY_FIGURES = `
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

/** @param {string} path */
const live = (path) => stream.value(path)

/**
 * The returned function is to be called a few times a second.
 * @param {HTMLElement} root
 */
export function keyFigures(root) {
  const scales = new BarScales()
  return () => {
    const state = stream.connected ? stream.freshness() : "missing"
    const means = lapMeans(live)
    scales.follow(stream.frame?.run ?? 0, live)
    for (const card of CARDS) show(query(root, `[data-card="${card.id}"]`), card, state, means, scales)
  }
}

/**
 * @param {HTMLElement} element
 * @param {import("../plant/bar_scales.js").Card} card
 * @param {ui.Freshness} state
 * @param {import("../plant/lap_means.js").LapMeans | null} means
 * @param {BarScales} scales
 */
function show(element, card, state, means, scales) {
  flag(element, "state", state)
  const channel = stream.channel(card.path)
  if (!channel) return
  const value = stream.value(card.path)
  const why = WITHHELD.has(card.path) || WITHHELD.has(card.mean ?? "") ? unsteady(live) : null
  flag(element, "withheld", why && card.laps ? "yes" : "no")
  write(byId(element, card.id), why && card.laps ? why.word : fixed(value, channel.decimals))
  write(byId(element, `${card.id}-unit`), channel.unit)
  element.title = channel.meaning
  write(byId(element, `${card.id}-mean`), meanText(card, channel, means, why))
  byId(element, `${card.id}-mean`).title = why?.text ?? ""
  showTrend(byId(element, `${card.id}-trend`), card.path, channel)
  showBar(element, scales.bar(card, value, stream.geometry?.parameters, stream.value("plc.speed_setpoint_rpm")), value)
}

/**
 * @param {HTMLElement} element
 * @param {import("../plant/bar_scales.js").Bar | null} bar
 * @param {number | null} value
 */
function showBar(element, bar, value) {
  /**
   * @param {string} name
   * @param {number} from
   * @param {number} [to]
   */
  const place = (name, from, to = from) => {
    const mark = query(element, `.${name}`)
    const known = bar && Number.isFinite(from) && Number.isFinite(to)
    mark.hidden = !known
    if (!known) return
    /** @param {number} x */
    const percent = (x) => Math.min(100, Math.max(0, (100 * (x - bar.low)) / (bar.high - bar.low)))
    mark.style.left = `${percent(from).toFixed(1)}%`
    if (name === "band") mark.style.width = `${(percent(to) - percent(from)).toFixed(1)}%`
  }
  place("needle", value ?? NaN)
  place("mark", bar?.mark ?? NaN)
  place("limit", bar?.limit ?? NaN)
  place("band", bar?.band?.[0] ?? NaN, bar?.band?.[1] ?? NaN)
}

// The trend of the last seconds: the mean of the newer half of the window compared with that of the older half. A slope from
// two single values would only show the ripple of the pulses.
const TREND = 10 // seconds

/**
 * @param {HTMLElement} element
 * @param {string} path
 * @param {ui.Channel} channel
 */
function showTrend(element, path, channel) {
  const { series } = stream
  if (!series?.index.has(path) || stream.freshness() !== "live" || series.length < 4) return write(element, "")
  const [t, values] = series.window([path], series.last - TREND, series.last)
  const half = t.length >> 1
  if (t.length < 8 || t[t.length - 1] - t[0] < TREND / 2) return write(element, "")
  /**
   * @param {number} from
   * @param {number} to
   */
  const mean = (from, to) => values.subarray(from, to).reduce((all, value) => all + value, 0) / (to - from)
  const change = mean(half, t.length) - mean(0, half)
  // Less than the last digit shown, or than half a percent, counts as level.
  const least = Math.max(10 ** -channel.decimals, 0.005 * Math.abs(mean(0, t.length)))
  write(element, Math.abs(change) < least ? "→" : change > 0 ? "↗" : "↘")
  const by = `${change < 0 ? "−" : "+"}${fixed(Math.abs(change), channel.decimals)} ${channel.unit}`
  element.title = `mean of the last ${TREND / 2} s ${by} against the ${TREND / 2} s before`
}

/**
 * @param {import("../plant/bar_scales.js").Card} card
 * @param {ui.Channel} channel
 * @param {import("../plant/lap_means.js").LapMeans | null} means
 * @param {ui.Withheld | null} why
 */
function meanText(card, channel, means, why) {
  if (why && means) return card.laps ? why.short : `mean ${why.word}: ${why.figure ?? why.short}`
  if (card.laps) {
    if (means === null || means.cop === null) return "after the first lap, even at 1"
    return `${stream.settled() ? "" : "settling, "}mean of ${lapsText(means.laps)}, even at 1`
  }
  if (card.range) {
    const low = stream.value("meters.receiver_pressure_min")
    const high = stream.value("meters.receiver_pressure_max")
    if (low === null || means === null) return "range after the first lap"
    return `${fixed(low, 2)} to ${fixed(high, 2)} ${channel.unit} in ${lapsText(means.laps)}`
  }
  const mean = card.mean === "import" ? (means?.taken ?? null) : stream.value(card.mean ?? "")
  return mean === null ? "mean after the first lap" : `mean ${fixed(mean, channel.decimals)} ${channel.unit}`
}

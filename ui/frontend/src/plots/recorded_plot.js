// Recorded channels as a plot: the range of each bin as a band, and its mean as a line.

import uPlot from "uplot"

import { tickTexts } from "../format.js"
import { readAs } from "../plant/units.js"
import { colours } from "../widgets/theme.js"
import { sheet } from "./download.js"

// One for each line that a plot may have; they can be told apart in both themes.
export const COLOURS = Array.from({ length: 8 }, (_, i) => `line-${i + 1}`)
export const AXES = 4 // units that a plot has room for

/**
 * The width in pixels that the texts of an axis take.
 * @param {uPlot} _
 * @param {string[] | null} texts
 */
const wide = (_, texts) => Math.max(44, ...(texts ?? []).map((text) => 12 + 6.6 * text.length))

/**
 * A channel of a run in the page's units: for each time the mean and the range of a bin.
 * @typedef {{ name: string, label: string, unit: string, t: number[], dash?: number[] }
 *   & Record<"mean" | "minimum" | "maximum", (number | null)[]>} Line
 */
/** @typedef {{ lines: Line[], range: ui.Range }} Shown */
/**
 * @typedef {object} Listeners
 * @property {(range: ui.Range) => void} zoomed
 * @property {() => void} reset
 * @property {(t: number | null, values: (number | null)[]) => void} [pointed]
 */

export class RecordedPlot {
  /**
   * `zoomed` is called with the new range, `reset` on a double click, and `pointed` with a time and the means of all lines there,
   * or with null if nothing is pointed at.
   * @param {HTMLElement} box
   * @param {HTMLElement} root
   * @param {Listeners} listeners
   */
  constructor(box, root, { zoomed, reset, pointed = () => {} }) {
    this.box = box
    this.root = root
    this.zoomed = zoomed
    this.reset = reset
    this.pointed = pointed
    /** @type {uPlot | null} */
    this.chart = null
    /** @type {Shown | null} */
    this.shown = null
    new ResizeObserver(() => this.shown && this.draw(this.shown)).observe(box)
  }

  // Shows nothing from now on.
  clear() {
    this.shown = null
    this.chart?.destroy()
    this.chart = null
  }

  /**
   * Draws lines over one time axis, which shows `range`.
   * @param {Shown} shown
   */
  draw(shown) {
    this.shown = shown
    // Made again each time: the number of lines, axes and bands changes with what is chosen, and uPlot cannot change its bands.
    this.chart?.destroy()
    this.chart = null
    if (!this.box.clientWidth) return
    const { lines, range } = shown
    const colour = colours(this.root)
    const units = [...new Set(lines.map(({ unit }) => unit))]
    /**
     * @param {string} unit
     * @param {number} i
     * @returns {uPlot.Axis}
     */
    const axis = (unit, i) => ({
      scale: `u${i}`,
      side: i % 2 ? 1 : 3,
      size: wide,
      stroke: colour("dim"),
      font: "11px Roboto, sans-serif",
      grid: { show: i === 0, stroke: colour("grid"), width: 1 },
      ticks: { show: false },
      label: unit,
      labelSize: 16,
      labelFont: "11px Roboto, sans-serif",
      values: (/** @type {uPlot} */ _, /** @type {number[]} */ ticks) => tickTexts(ticks),
    })
    /** @type {uPlot.Series[]} */
    const series = [{}]
    /** @type {uPlot.Band[]} */
    const bands = []
    const tables = lines.map((line, i) => {
      const base = {
        scale: `u${units.indexOf(line.unit)}`,
        stroke: colour(COLOURS[i % COLOURS.length]),
        width: 1,
        points: { show: false },
        dash: line.dash,
      }
      // uPlot fills a band between two series; these two are there for that alone, and drawn without a colour.
      const [top, bottom] = [series.length + 1, series.length + 2]
      series.push(
        { ...base, label: line.label },
        { ...base, stroke: "transparent" },
        { ...base, stroke: "transparent" },
      )
      bands.push({ series: [top, bottom], fill: `${colour(COLOURS[i % COLOURS.length])}33` })
      return /** @type {uPlot.AlignedData} */ ([line.t, line.mean, line.maximum, line.minimum])
    })
    this.chart = new uPlot(
      {
        width: this.box.clientWidth,
        height: Math.max(160, this.box.clientHeight),
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => (this.reset(), null) } },
        scales: { x: { time: false, range: () => range } },
        axes: [
          {
            stroke: colour("dim"),
            font: "11px Roboto, sans-serif",
            grid: { stroke: colour("grid"), width: 1 },
            ticks: { show: false },
            size: 24,
            values: (_, ticks) => tickTexts(ticks).map((text) => `${text} s`),
          },
          ...units.map(axis),
        ],
        series,
        bands,
        hooks: { setSelect: [(chart) => this.select(chart)], setCursor: [(chart) => this.point(chart)] },
      },
      tables.length ? uPlot.join(tables) : [[]],
      this.box,
    )
  }

  /** @param {uPlot} chart */
  point({ cursor, data }) {
    const at = (cursor.left ?? -1) >= 0 ? cursor.idx : null
    if (at === null || at === undefined || !this.shown) return this.pointed(null, [])
    this.pointed(
      data[0][at],
      this.shown.lines.map((_, i) => data[3 * i + 1][at] ?? null),
    )
  }

  /** @param {uPlot} chart */
  select(chart) {
    const { left, width } = chart.select
    if (width < 6) return
    this.zoomed([chart.posToVal(left, "x"), chart.posToVal(left + width, "x")])
  }

  /** @param {number} i */
  colour(i) {
    return COLOURS[i % COLOURS.length]
  }

  /**
   * The plot with a title and its legend, as a picture.
   * @param {string} title
   */
  picture(title) {
    if (!this.shown || !this.chart) throw new Error("nothing is shown")
    const lines = this.shown.lines.map(({ label, unit }, i) => ({
      colour: this.colour(i),
      label: `${label}${unit ? ` [${unit}]` : ""}`,
    }))
    return sheet(this.root, title, [{ canvas: this.chart.ctx.canvas, title: "", lines }])
  }
}

/**
 * A channel of the recorder's answer in the units of the page.
 * @param {bus.ChannelHistory} channel
 * @param {number[]} t
 * @param {string} [label]
 * @returns {Line}
 */
export function lineOf({ name, unit, mean, minimum, maximum }, t, label = name) {
  const [shown, factor, offset] = readAs(unit)
  /** @param {(number | null)[]} column */
  const read = (column) => column.map((value) => (value === null ? null : value * factor + offset))
  return { name, label, unit: shown, t, mean: read(mean), minimum: read(minimum), maximum: read(maximum) }
}

// Plots over simulated time: one window for all of them, drag to zoom, double-click to return.

import uPlot from "uplot"

import { fixed, MISSING, moment, tickTexts } from "../format.js"
import { RecordedWindow } from "../stream/recorded_window.js"
import { stream } from "../stream/stream.js"
import { view } from "../stream/view_state.js"
import { byId, flag, query, queryAll, write } from "../widgets/dom.js"
import { colours } from "../widgets/theme.js"
import { followTime, timebar } from "../widgets/timebar.js"
import { save, saveImage, sheet } from "./download.js"

/** @type {ui.TrendPlot[]} */
const OVERVIEW = [
  {
    id: "power",
    title: "Power",
    lines: [
      { path: "grid.import_power", label: "Import", colour: "import" },
      { path: "grid.export_power", label: "Export", colour: "export" },
      { path: "grid.net_power", label: "Net", colour: "net" },
      { path: "powers.shaft", label: "Shaft", colour: "shaft" },
    ],
    zero: true,
    least: [10],
  },
  {
    id: "speed",
    title: "Speed",
    lines: [
      { path: "chain.speed", label: "Chain", colour: "export" },
      { path: "drivetrain.shaft_speed_rpm", label: "Generator", colour: "shaft", right: true, dash: [6, 5] },
    ],
    zero: true,
    least: [0.1, 10],
  },
  {
    id: "pressure",
    title: "Receiver pressure (abs.)",
    lines: [{ path: "receiver.pressure", label: "Receiver", colour: "flow" }],
    least: [0.1],
    levels: (/** @type {ui.Parameters} */ p) => [
      [p.unload_pressure / 1e5, "unload"],
      [p.load_pressure / 1e5, "load"],
    ],
  },
  {
    id: "energy",
    title: "Grid meters",
    lines: [
      { path: "grid.import_energy", label: "Imported", colour: "import" },
      { path: "grid.export_energy", label: "Exported", colour: "export" },
    ],
    zero: true,
    least: [0.01],
  },
]

/**
 * A test id. The same channel is shown on the overview and again on other pages, whose ids have the name of the plot in them.
 * @param {ui.TrendPlot} plot
 * @param {string} path
 */
const lineId = (plot, path) => (plot.page ? `line-${plot.id}-${path}` : `line-${path}`)

/** @param {ui.TrendPlot} plot */
const legend = (plot) =>
  plot.lines
    .map(
      ({ path, label, colour, dash }) =>
        `<button class="line" data-line="${path}" aria-pressed="true" title="show or hide"
          ><i class="${dash ? "dashes" : ""}" style="--swatch:var(--${colour})"></i
          >${label} <b data-testid="${lineId(plot, path)}">–</b> <span></span></button>`,
    )
    .join("")

/** @param {ui.TrendPlot} plot */
const figure = (plot) => `
    <figure class="plot" data-testid="plot-${plot.id}" aria-label="${plot.title} over simulated time">
      <figcaption><b>${plot.title}</b>${legend(plot)}<a class="past"
        data-channels="${plot.lines.map(({ path }) => path).join(",")}" href="#"
        title="these channels as they were recorded: scrub back, zoom, export" aria-label="history of ${plot.title}">⤢</a></figcaption>
      <div class="canvas"></div>
    </figure>`

/**
 * @param {string} id
 * @param {string} name
 * @param {ui.TrendPlot[]} plots
 */
const card = (id, name, plots) => `
<section class="card strips" aria-label="${name}">
  <header>
    <h2>Trends <small>over simulated time<span class="gesture">; drag to zoom, double-click to return</span></small></h2>
    ${timebar(id)}
  </header>
  <div class="plots">${plots.map(figure).join("")}</div>
</section>`

/**
 * The plots of another page. `id`: beginning of the test ids of its controls.
 * @param {string} id
 * @param {ui.TrendPlot[]} plots
 */
export const trends = (id, plots) => card(id, "trends", plots)

export const STRIPS = card("o-", "plots over simulated time", OVERVIEW)

/**
 * Draws the plots of a page. `draw` is to be called with every frame of data, and `legend` a few times a second, while the
 * page is open.
 * @param {HTMLElement} root
 * @param {string} id
 * @param {ui.TrendPlot[]} plots
 * @param {ui.Commands} commands
 */
export function trendPlots(root, id, plots, commands) {
  const past = new RecordedWindow(
    commands,
    [...new Set(plots.flatMap(({ lines }) => lines.map(({ path }) => path)))],
    () => drawn.forEach((plot) => plot.draw(true)),
  )
  const drawn = plots.map((plot) => new Plot(root, plot, past))
  for (const button of queryAll(root, "[data-line]")) button.onclick = () => toggle(button.dataset.line ?? "")
  byId(root, `${id}csv`).onclick = () => csv(drawn)
  byId(root, `${id}png`).onclick = () => png(root, drawn)
  const bar = followTime(root, id, () => past.trouble)
  const follow = () => {
    for (const link of queryAll(root, "a.past", HTMLAnchorElement))
      link.href = view.link("history", { channels: (link.dataset.channels ?? "").split(","), hidden: new Set() })
    drawn.forEach((plot) => plot.follow())
  }
  view.listeners.add(follow)
  follow()
  return {
    draw: () => {
      if (!stream.series) return
      drawn.forEach((plot) => plot.draw())
      globalThis.__kpp.plots.drawn++
    },
    legend: () => (bar(), drawn.forEach((plot) => plot.legend())),
    restyle: () => drawn.forEach((plot) => plot.rebuild()),
  }
}

/** @param {string} path */
function toggle(path) {
  const hidden = new Set(view.hidden)
  if (!hidden.delete(path)) hidden.add(path)
  view.set({ hidden })
}

/**
 * @param {HTMLElement} root
 * @param {ui.Commands} commands
 */
export const strips = (root, commands) => trendPlots(root, "o-", OVERVIEW, commands)

/**
 * Saves what the plots show as a table.
 * @param {Plot[]} plots
 */
function csv(plots) {
  /** @type {Map<string, ArrayLike<number | null | undefined>>} */
  const columns = new Map()
  for (const { plot, chart } of plots) {
    plot.lines.forEach(({ path }, i) => chart && columns.set(path, chart.data[i + 1]))
  }
  const [from, to] = view.range()
  const head = ["t [s]", ...[...columns.keys()].map((path) => `${path}${unitOf(path)}`)]
  const lines = [head.join(",")]
  // All plots are drawn over the same times, so those of the first one stand for all.
  Array.from(plots[0].chart?.data[0] ?? []).forEach((t, row) => {
    if (t >= from && t <= to) lines.push([t, ...[...columns.values()].map((column) => column[row] ?? "")].join(","))
  })
  save(`kpp-${stream.recordedRun()}.csv`, new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }))
}

/** @param {string} path */
function unitOf(path) {
  const unit = stream.channel(path)?.unit
  return unit ? ` [${unit}]` : ""
}

/**
 * Saves what the plots show as a picture.
 * @param {HTMLElement} root
 * @param {Plot[]} plots
 */
function png(root, plots) {
  const [from, to] = view.range()
  const title = `run ${stream.recordedRun()}, ${moment(from)} to ${moment(to)}`
  const pictures = plots.flatMap(({ plot, chart }) => {
    if (!chart) return []
    const lines = plot.lines.map(({ path, label, colour }) => ({ colour, label: `${label}${unitOf(path)}` }))
    return [{ canvas: chart.ctx.canvas, title: plot.title, lines }]
  })
  saveImage(`kpp-${stream.recordedRun()}.png`, sheet(root, title, pictures))
}

class Plot {
  /**
   * @param {HTMLElement} root
   * @param {ui.TrendPlot} plot
   * @param {RecordedWindow} past
   */
  constructor(root, plot, past) {
    this.root = root
    this.plot = plot
    this.past = past
    this.figure = byId(root, `plot-${plot.id}`)
    this.box = query(this.figure, ".canvas")
    /** @type {uPlot | null} */
    this.chart = null
    new ResizeObserver(() => this.resize()).observe(this.box)
  }

  size() {
    return { width: Math.max(80, this.box.clientWidth), height: Math.max(60, this.box.clientHeight) }
  }

  resize() {
    if (this.chart) this.chart.setSize(this.size())
    else this.rebuild()
  }

  rebuild() {
    this.chart?.destroy()
    this.chart = null
    if (!stream.series || !this.box.clientWidth) return // on a page that is not open; it is built when that is opened
    this.chart = new uPlot(this.options(), [[], ...this.plot.lines.map(() => [])], this.box)
    this.follow()
    this.draw(true)
  }

  /** @returns {uPlot.Options} */
  options() {
    const colour = colours(this.root)
    /**
     * @param {string} scale
     * @param {uPlot.Axis.Side} side
     * @param {boolean} grid
     * @returns {uPlot.Axis}
     */
    const axis = (scale, side, grid) => ({
      scale,
      side,
      size: 44,
      stroke: colour("dim"),
      font: "11px Roboto, sans-serif",
      grid: { show: grid, stroke: colour("grid"), width: 1 },
      ticks: { show: false },
      gap: 4,
      space: 28,
      values: (/** @type {uPlot} */ _, /** @type {number[]} */ ticks) => tickTexts(ticks),
    })
    const right = this.plot.lines.some((line) => line.right)
    return {
      ...this.size(),
      padding: [6, right ? 0 : 12, 0, 0],
      legend: { show: false },
      // uPlot does not zoom by itself: the view does, for all plots at once.
      cursor: {
        drag: { x: true, y: false, setScale: false },
        sync: { key: "kpp", setSeries: false }, // pointing at a time in one plot points at it in all
        points: { size: 5 },
        bind: { dblclick: () => () => (view.set({ zoom: null, frozen: false, at: null, held: null }), null) },
      },
      scales: {
        x: { time: false },
        y: {
          range: (/** @type {uPlot} */ _, /** @type {number | null} */ low, /** @type {number | null} */ high) =>
            this.range(low, high, true),
        },
        r: {
          range: (/** @type {uPlot} */ _, /** @type {number | null} */ low, /** @type {number | null} */ high) =>
            this.range(low, high, false),
        },
      },
      axes: [
        {
          stroke: colour("dim"),
          font: "11px Roboto, sans-serif",
          grid: { stroke: colour("grid"), width: 1 },
          ticks: { show: false },
          size: 24,
          gap: 6,
          space: 60,
          values: (/** @type {uPlot} */ _, /** @type {number[]} */ ticks) =>
            tickTexts(ticks).map((text) => `${text} s`),
        },
        axis("y", 3, true),
        ...(right ? [axis("r", 1, false)] : []),
      ],
      series: [
        {},
        ...this.plot.lines.map((line) => ({
          label: line.label,
          scale: line.right ? "r" : "y",
          stroke: colour(line.colour),
          width: 1,
          dash: line.dash,
          points: { show: false },
        })),
      ],
      hooks: {
        setSelect: [(/** @type {uPlot} */ chart) => this.zoom(chart)],
        drawAxes: [(/** @type {uPlot} */ chart) => this.levels(chart, colour)],
        draw: [(/** @type {uPlot} */ chart) => this.names(chart, colour)],
      },
    }
  }

  /**
   * The range of a value axis. It is never narrower than a change that matters, so that a flat line is shown flat.
   * @param {number | null} low
   * @param {number | null} high
   * @param {boolean} left
   * @returns {ui.Range}
   */
  range(low, high, left) {
    const least = this.plot.least[left ? 0 : 1]
    if (low === null || high === null) return [0, least]
    const levels =
      left && this.plot.levels && stream.geometry ? this.plot.levels(stream.geometry.parameters).map(([at]) => at) : []
    const bottom = Math.min(low, ...levels, this.plot.zero ? 0 : low)
    const top = Math.max(high, ...levels, bottom + least)
    const margin = (top - bottom) * (left ? 0.06 : 0.2) // two lines that move together stay apart
    return [this.plot.zero && bottom === 0 ? 0 : bottom - margin, top + margin]
  }

  /**
   * @param {uPlot} chart
   * @param {ui.Palette} colour
   */
  levels(chart, colour) {
    if (!this.plot.levels || !stream.geometry) return
    const { ctx, bbox } = chart
    ctx.save()
    ctx.strokeStyle = colour("dim")
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
    for (const [at] of this.plot.levels(stream.geometry.parameters)) {
      const y = Math.round(chart.valToPos(at, "y", true)) + 0.5 // on a whole number the line would blur over two rows
      ctx.beginPath()
      ctx.moveTo(bbox.left, y)
      ctx.lineTo(bbox.left + bbox.width, y)
      ctx.stroke()
    }
    ctx.restore()
  }

  /**
   * Writes the names of the levels over the curves, with an edge in the colour of the background, so that both can be read.
   * @param {uPlot} chart
   * @param {ui.Palette} colour
   */
  names(chart, colour) {
    if (!this.plot.levels || !stream.geometry) return
    const { ctx, bbox } = chart
    ctx.save()
    ctx.font = `${10 * devicePixelRatio}px Roboto, sans-serif`
    ctx.textAlign = "right"
    for (const [at, name] of this.plot.levels(stream.geometry.parameters)) {
      const text = `${name} ${fixed(at, 2)} bar`
      const [x, y] = [bbox.left + bbox.width - 4, Math.round(chart.valToPos(at, "y", true)) - 4]
      ctx.lineWidth = 3 * devicePixelRatio
      ctx.lineJoin = "round"
      ctx.strokeStyle = colour("panel")
      ctx.strokeText(text, x, y)
      ctx.fillStyle = colour("dim")
      ctx.fillText(text, x, y)
    }
    ctx.restore()
  }

  /** @param {uPlot} chart */
  zoom(chart) {
    const { left, width } = chart.select
    if (width < 6) return // pixels: a click of an unsteady hand
    /** @type {ui.Range} */
    const zoom = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
    view.set({ zoom })
  }

  follow() {
    const { chart } = this
    if (!chart) return
    this.plot.lines.forEach(({ path }, i) => {
      const show = !view.hidden.has(path)
      if (chart.series[i + 1].show !== show) chart.setSeries(i + 1, { show })
      query(this.figure, `[data-line="${path}"]`).setAttribute("aria-pressed", String(show))
    })
    this.draw(true)
  }

  draw(asked = false) {
    const { chart } = this
    if (!chart || !stream.series) return
    if (!asked && !view.live) return // a view that is held does not change with new data
    const range = view.range()
    const paths = this.plot.lines.map((line) => line.path)
    const data = this.past.window(paths, range) ?? stream.series.window(paths, ...range)
    // Together, or the plot would be drawn twice: with new data in the old range, and again.
    chart.batch(() => {
      chart.setData(/** @type {uPlot.AlignedData} */ (data), false)
      chart.setScale("x", { min: range[0], max: range[1] })
    })
  }

  legend() {
    const state = stream.connected ? stream.freshness() : "missing"
    flag(this.figure, "state", state)
    const { chart } = this
    const pointed = chart && (chart.cursor.left ?? -1) >= 0 ? chart.cursor.idx : null
    this.plot.lines.forEach(({ path }, i) => {
      const channel = stream.channel(path)
      if (!channel) return
      const column = chart?.data[i + 1]
      const newest = view.live || !column ? stream.value(path) : column[column.length - 1]
      const value = pointed === null || pointed === undefined ? newest : column?.[pointed]
      const element = byId(this.figure, lineId(this.plot, path))
      write(element, value === undefined ? MISSING : fixed(value, channel.decimals))
      if (element.nextElementSibling) write(element.nextElementSibling, channel.unit)
    })
  }
}

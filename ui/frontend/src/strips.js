// Plots over simulated time: one window for all, drag to zoom, double-click to return.

import uPlot from "uplot"
import { byId, flag, write } from "./dom.js"
import { MISSING, clockTime, fixed } from "./format.js"
import { stream } from "./stream.js"
import { colours } from "./theme.js"
import { WINDOWS, view } from "./view.js"

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
    levels: (p) => [
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

// A number is shown in one plot of the overview and again on other pages, hence the plot's name in the id.
const lineId = (plot, path) => (plot.page ? `line-${plot.id}-${path}` : `line-${path}`)

const legend = (plot) =>
  plot.lines
    .map(
      ({ path, label, colour }) =>
        `<button class="line" data-line="${path}" aria-pressed="true" title="show or hide"><i style="background:var(--${colour})"></i>${label} <b data-testid="${lineId(plot, path)}">–</b> <span></span></button>`,
    )
    .join("")

const figures = (plots) => `
  <div class="plots">
    ${plots
      .map(
        (plot) => `
    <figure class="plot" data-testid="plot-${plot.id}" aria-label="${plot.title} over simulated time">
      <figcaption><b>${plot.title}</b>${legend(plot)}<a class="past" data-channels="${plot.lines.map(({ path }) => path).join(",")}" href="#" title="the same channels as recorded: scrub back, zoom, export" aria-label="history of ${plot.title}">⤢</a></figcaption>
      <div class="canvas"></div>
    </figure>`,
      )
      .join("")}
  </div>`

// Plots of another page, with the window of the overview.
export const trends = (plots) => `<section class="card strips" aria-label="trends"><header><h2>Trends <small>over simulated time</small></h2></header>${figures(plots)}</section>`

export const STRIPS = `
<section class="card strips" aria-label="plots over simulated time">
  <header>
    <h2>Trends <small>over simulated time</small></h2>
    <div class="buttons" role="group" aria-label="window">
      ${WINDOWS.map((seconds) => `<button data-window="${seconds}" data-testid="window-${seconds}">${seconds < 60 ? `${seconds} s` : `${seconds / 60} min`}</button>`).join("")}
    </div>
    <button data-testid="freeze" aria-pressed="false" title="hold plots and picture still; the plant runs on (space)">Freeze view</button>
    <button data-testid="live" hidden>Return to live</button>
    <span class="hint">drag to zoom, double-click to return</span>
  </header>
  ${figures(OVERVIEW)}
</section>`

// Draws the plots of a page; `draw` and `legend` are called while the page is shown.
export function trendPlots(root, plots) {
  const drawn = plots.map((plot) => new Plot(root, plot))
  for (const button of root.querySelectorAll("[data-line]")) button.onclick = () => toggle(button.dataset.line)
  const follow = () => {
    for (const link of root.querySelectorAll("a.past")) link.href = view.link("history", { channels: link.dataset.channels.split(","), hidden: new Set() })
    drawn.forEach((plot) => plot.follow())
  }
  view.listeners.add(follow)
  follow()
  return {
    draw: () => stream.series && drawn.forEach((plot) => plot.draw()),
    legend: () => drawn.forEach((plot) => plot.legend()),
    restyle: () => drawn.forEach((plot) => plot.rebuild()),
  }
}

function toggle(path) {
  const hidden = new Set(view.hidden)
  if (!hidden.delete(path)) hidden.add(path)
  view.set({ hidden })
}

export function strips(root) {
  const plots = trendPlots(root, OVERVIEW)
  const freeze = byId(root, "freeze")
  const live = byId(root, "live")

  const follow = () => {
    for (const button of root.querySelectorAll("[data-window]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.window) === view.window))
    }
    freeze.setAttribute("aria-pressed", String(view.frozen))
    live.hidden = view.live
  }
  for (const button of root.querySelectorAll("[data-window]")) {
    button.onclick = () => view.set({ window: Number(button.dataset.window), zoom: null })
  }
  freeze.onclick = () => view.set({ frozen: !view.frozen })
  live.onclick = () => view.set({ frozen: false, zoom: null })
  view.listeners.add(follow)
  follow()

  return {
    draw: () => {
      plots.draw()
      if (stream.series) globalThis.__kpp.plots.drawn++
    },
    legend: plots.legend,
    restyle: plots.restyle,
  }
}

class Plot {
  constructor(root, plot) {
    this.root = root
    this.plot = plot
    this.figure = byId(root, `plot-${plot.id}`)
    this.box = this.figure.querySelector(".canvas")
    this.chart = null
    this.end = 0
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
    if (!stream.series || !this.box.clientWidth) return
    this.chart = new uPlot(this.options(), [[], ...this.plot.lines.map(() => [])], this.box)
    this.follow()
    this.draw(true)
  }

  options() {
    const colour = colours(this.root)
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
      values: (_, ticks) => ticks.map((tick) => fixed(tick, decimals(ticks))),
    })
    const right = this.plot.lines.some((line) => line.right)
    return {
      ...this.size(),
      padding: [6, right ? 0 : 12, 0, 0],
      legend: { show: false },
      cursor: {
        drag: { x: true, y: false, setScale: false },
        sync: { key: "kpp", setSeries: false },
        points: { size: 5 },
        bind: { dblclick: () => () => (view.set({ zoom: null, frozen: false }), null) },
      },
      scales: {
        x: { time: false },
        y: { range: (_, low, high) => this.range(low, high, true) },
        r: { range: (_, low, high) => this.range(low, high, false) },
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
          values: (_, ticks) => ticks.map(clockTime),
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
        setSelect: [(chart) => this.zoom(chart)],
        drawAxes: [(chart) => this.levels(chart, colour)],
      },
    }
  }

  // Never narrower than what matters, so that a flat line is shown flat.
  range(low, high, left) {
    const least = this.plot.least[left ? 0 : 1]
    if (low === null || high === null) return [0, least]
    const levels = left && this.plot.levels && stream.geometry ? this.plot.levels(stream.geometry.parameters).map(([at]) => at) : []
    const bottom = Math.min(low, ...levels, this.plot.zero ? 0 : low)
    const top = Math.max(high, ...levels, bottom + least)
    const margin = (top - bottom) * (left ? 0.06 : 0.2) // two lines that move together stay apart
    return [this.plot.zero && bottom === 0 ? 0 : bottom - margin, top + margin]
  }

  levels(chart, colour) {
    if (!this.plot.levels || !stream.geometry) return
    const { ctx, bbox } = chart
    ctx.save()
    ctx.strokeStyle = ctx.fillStyle = colour("dim")
    ctx.font = `${10 * devicePixelRatio}px Roboto, sans-serif`
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
    for (const [at, name] of this.plot.levels(stream.geometry.parameters)) {
      const y = Math.round(chart.valToPos(at, "y", true)) + 0.5
      ctx.beginPath()
      ctx.moveTo(bbox.left, y)
      ctx.lineTo(bbox.left + bbox.width, y)
      ctx.stroke()
      ctx.textAlign = "right"
      ctx.fillText(`${name} ${fixed(at, 2)} bar`, bbox.left + bbox.width - 4, y - 4)
    }
    ctx.restore()
  }

  zoom(chart) {
    const { left, width } = chart.select
    if (width < 6) return
    const zoom = [chart.posToVal(left, "x"), chart.posToVal(left + width, "x")]
    chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
    view.set({ zoom })
  }

  follow() {
    if (!this.chart) return
    this.plot.lines.forEach(({ path }, i) => {
      const show = !view.hidden.has(path)
      if (this.chart.series[i + 1].show !== show) this.chart.setSeries(i + 1, { show })
      this.figure.querySelector(`[data-line="${path}"]`).setAttribute("aria-pressed", String(show))
    })
    this.draw(true)
  }

  draw(asked = false) {
    if (!this.chart || !stream.series) return
    if (!asked && view.zoom) return
    if (!view.frozen || stream.series.last < this.end) this.end = stream.series.last
    const [from, to] = view.zoom ?? [this.end - view.window, Math.max(this.end, view.window * 0.001)]
    const paths = this.plot.lines.map((line) => line.path)
    this.chart.batch(() => {
      this.chart.setData(stream.series.window(paths, from, to), false)
      this.chart.setScale("x", { min: from, max: to })
    })
  }

  legend() {
    const state = stream.connected ? stream.freshness() : "missing"
    flag(this.figure, "state", state)
    const at = this.chart?.cursor.idx
    const pointed = at !== null && at !== undefined && this.chart.cursor.left >= 0
    this.plot.lines.forEach(({ path }, i) => {
      const channel = stream.channel(path)
      if (!channel) return
      const value = pointed ? this.chart.data[i + 1][at] : stream.value(path)
      const element = byId(this.figure, lineId(this.plot, path))
      write(element, value === undefined ? MISSING : fixed(value, channel.decimals))
      write(element.nextElementSibling, channel.unit)
    })
  }
}

// As many decimals as it takes to write the step between two ticks exactly.
function decimals(ticks) {
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : 1
  for (let digits = 0; digits < 4; digits++) {
    const scaled = step * 10 ** digits
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return digits
  }
  return 4
}

// Plots over simulated time: one window for all, drag to zoom, double-click to return.

import uPlot from "uplot"
import { byId, flag, write } from "./dom.js"
import { MISSING, clockTime, fixed } from "./format.js"
import { stream } from "./stream.js"
import { colours } from "./theme.js"
import { WINDOWS, view } from "./view.js"

const PLOTS = [
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

const legend = (plot) =>
  plot.lines
    .map(
      ({ path, label, colour }) =>
        `<button class="line" data-line="${path}" aria-pressed="true" title="show or hide"><i style="background:var(--${colour})"></i>${label} <b data-testid="line-${path}">–</b> <span></span></button>`,
    )
    .join("")

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
  <div class="plots">
    ${PLOTS.map(
      (plot) => `
    <figure class="plot" data-testid="plot-${plot.id}" aria-label="${plot.title} over simulated time">
      <figcaption><b>${plot.title}</b>${legend(plot)}</figcaption>
      <div class="canvas"></div>
    </figure>`,
    ).join("")}
  </div>
</section>`

export function strips(root) {
  const plots = PLOTS.map((plot) => new Plot(root, plot))
  const freeze = byId(root, "freeze")
  const live = byId(root, "live")

  const follow = () => {
    for (const button of root.querySelectorAll("[data-window]")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.window) === view.window))
    }
    freeze.setAttribute("aria-pressed", String(view.frozen))
    live.hidden = view.live
    for (const plot of plots) plot.follow()
  }
  for (const button of root.querySelectorAll("[data-window]")) {
    button.onclick = () => view.set({ window: Number(button.dataset.window), zoom: null })
  }
  freeze.onclick = () => view.set({ frozen: !view.frozen })
  live.onclick = () => view.set({ frozen: false, zoom: null })
  for (const button of root.querySelectorAll("[data-line]")) {
    button.onclick = () => {
      const hidden = new Set(view.hidden)
      if (!hidden.delete(button.dataset.line)) hidden.add(button.dataset.line)
      view.set({ hidden })
    }
  }
  view.listeners.add(follow)
  follow()

  return {
    draw: () => {
      if (!stream.series) return
      for (const plot of plots) plot.draw()
      globalThis.__kpp.plots.drawn++
    },
    legend: () => plots.forEach((plot) => plot.legend()),
    restyle: () => plots.forEach((plot) => plot.rebuild()),
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
      this.root.querySelector(`[data-line="${path}"]`).setAttribute("aria-pressed", String(show))
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
      const element = byId(this.figure, `line-${path}`)
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

// Power flows as bands: grid and water on the left, what is delivered along the top, what is lost below.
//
// Every band is a power of the state frame. Between the hubs the plant stores energy: what a hub takes in and does not
// give on is shown as going into store, and the other way round, so that both sides always balance.

import { sankey, sankeyLinkHorizontal } from "d3-sankey"
import { write } from "./dom.js"
import { fixed } from "./format.js"
import { stream } from "./stream.js"

const MEAN = 2
const NARROWEST = 900 // below it the labels would lie on each other: a phone scrolls
const NODES = [
  ["grid", "Grid supply"], ["compressor", "Compressor"], ["water", "Heat from the water"], ["none", "No source in the model"], ["ambient", "Surroundings: air vented cold"], ["release", "Out of store"],
  ["air", "Air in receiver and pockets"], ["chain", "Chain"], ["electric", "Generator"],
  ["export", "To the grid"], ["load", "Dump load, chopper"], ["electricloss", "Generator, converter"], ["mechanicloss", "Friction, gear, brake"], ["waterloss", "Water: drag, exchange"], ["heat", "Heat of compression"], ["vent", "Air vented"], ["wall", "Receiver wall"], ["aux", "Auxiliaries"], ["store", "Into store"],
]
const USEFUL = new Set(["grid", "compressor", "air", "chain", "electric", "export"])
const p = (name) => `powers.${name}`

// [from, to, channels]: a negative sum flows the other way, between a hub and the surroundings.
const LINKS = [
  ["grid", "compressor", [p("compressor")]],
  ["grid", "aux", [p("auxiliary")]],
  ["water", "air", [p("heat_from_water")]],
  ["none", "air", ["hypotheses.unsourced_power_recovery"]],
  ["none", "chain", ["hypotheses.unsourced_power_h1", "hypotheses.unsourced_power_h2", "hypotheses.unsourced_power_h3", "hypotheses.unsourced_power_jet"]],
  ["compressor", "heat", [p("aftercooler")]],
  ["air", "vent", [p("vent")]],
  ["air", "wall", [p("receiver_heat")]],
  ["air", "chain", [p("buoyancy")]],
  ["chain", "waterloss", [p("drag_local"), p("drag_bulk"), p("water_exchange"), p("jet_wake"), p("h1_slip")]],
  ["chain", "mechanicloss", [p("chain_friction"), p("brake"), p("gearbox"), p("flywheel_windage"), p("clutch")]],
  ["chain", "electric", [p("shaft")]],
  ["electric", "electricloss", [p("generator_copper"), p("generator_iron"), p("generator_mechanical"), p("generator_stray"), p("converter")]],
  ["electric", "load", [p("chopper"), p("dump_load")]],
  ["electric", "export", [p("grid")]],
]
export const PATHS = [...new Set(LINKS.flatMap(([, , paths]) => paths))]
const HUBS = ["compressor", "air", "chain", "electric"]
const OPPOSITE = { water: "wall", heat: "ambient", vent: "ambient", wall: "ambient", export: "grid" }
const SPINE = ["grid", "compressor", "air", "chain", "electric", "export"]
const SMALLEST = 0.02
const LEAST = 1e-4

export function sankeyChart(box, sum) {
  const chart = new Chart(box, sum)
  new ResizeObserver(() => chart.restyle()).observe(box)
  return chart
}

class Chart {
  constructor(box, sum) {
    this.box = box
    this.sum = sum
    this.means = new Map()
    this.kept = []
    this.due = 0
    this.drawn = null
  }

  // The mean of what was read over the last seconds of simulated time.
  follow() {
    const t = stream.frame?.t ?? 0
    const row = PATHS.map((path) => stream.value(path))
    if (row.includes(null)) return false
    if (t < this.kept.at(-1)?.t) this.kept = []
    if (this.kept.at(-1)?.t !== t) this.kept.push({ t, row })
    while (this.kept[0].t <= t - MEAN) this.kept.shift()
    this.means = new Map(PATHS.map((path, i) => [path, this.kept.reduce((all, kept) => all + kept.row[i], 0) / this.kept.length]))
    return true
  }

  // What flowed at a moment of the past: `means` by channel, null if there are none.
  past(means) {
    if (!means || [...means.values()].includes(null)) return this.clear(means ? "not recorded" : "no data")
    if (this.drawn === means && this.due) return
    this.means = this.drawn = means
    this.draw()
    this.due = 1
  }

  round() {
    this.drawn = null
    if (!this.follow()) return this.clear()
    const now = performance.now()
    if (now < this.due) return
    this.due = now + 500
    this.draw()
  }

  restyle() {
    this.due = 0
  }

  clear(why = "no data") {
    this.drawn = null
    this.box.replaceChildren()
    write(this.sum, why)
  }

  flows() {
    // The spine is always there, however little flows, so that no column of the drawing is ever empty.
    const found = new Map(SPINE.slice(1).map((to, i) => [`${SPINE[i]} ${to}`, LEAST]))
    const add = (from, to, value) => value > SMALLEST && found.set(`${from} ${to}`, (found.get(`${from} ${to}`) ?? 0) + value)
    const gained = Object.fromEntries(HUBS.map((hub) => [hub, 0]))
    for (const [from, to, paths] of LINKS) {
      const value = paths.reduce((all, path) => all + this.means.get(path), 0)
      if (from in gained) gained[from] -= value
      if (to in gained) gained[to] += value
      if (value >= 0) add(from, to, value)
      else if (from in gained && to in gained) add("release", from, -value)
      else if (from in gained) add(OPPOSITE[to] ?? "release", from, -value)
      else add(to, OPPOSITE[from] ?? "store", -value)
    }
    // The compressor stores nothing: what it does not reject is in the air that it delivers.
    gained.air += gained.compressor
    if (gained.compressor >= 0) add("compressor", "air", gained.compressor)
    else add("release", "compressor", -gained.compressor)
    for (const hub of HUBS.slice(1)) {
      if (gained[hub] >= 0) add(hub, "store", gained[hub])
      else add("release", hub, -gained[hub])
    }
    return found
  }

  draw() {
    if (!this.box.clientWidth) return
    const width = Math.max(this.box.clientWidth, NARROWEST)
    const height = this.box.clientHeight
    const flows = this.flows()
    const total = (from) => [...flows].filter(([key]) => key.startsWith(`${from} `)).reduce((all, [, value]) => all + value, 0)
    const into = (to) => [...flows].filter(([key]) => key.endsWith(` ${to}`)).reduce((all, [, value]) => all + value, 0)
    write(this.sum, `from the grid ${fixed(total("grid"), 1)} kW → to the grid ${fixed(into("export"), 1)} kW`)
    const used = new Set([...flows.keys()].flatMap((key) => key.split(" ")))
    if (Math.max(...flows.values()) <= SMALLEST) return this.box.replaceChildren(paragraph("Nothing flows now."))
    const order = new Map(NODES.map(([id], i) => [id, i]))
    const layout = sankey()
      .nodeId(({ id }) => id)
      .nodeWidth(10)
      .nodePadding(Math.min(22, height / 16))
      .nodeSort((a, b) => order.get(a.id) - order.get(b.id))
      .nodeAlign(align)
      .extent([[2, 8], [width - 168, height - 8]])
    const graph = layout({
      nodes: NODES.filter(([id]) => used.has(id)).map(([id, label]) => ({ id, label })),
      links: [...flows].map(([key, value]) => ({ source: key.split(" ")[0], target: key.split(" ")[1], value })),
    })
    stack(graph.nodes, layout.nodePadding())
    layout.update(graph)
    this.box.innerHTML = svg(graph, width, height)
  }
}

const COLUMN = { grid: 0, compressor: 1, water: 1, none: 1, ambient: 1, release: 1, air: 2, chain: 3, electric: 4 }
const align = ({ id }) => COLUMN[id] ?? 5

// What is of use runs straight along the top, what is lost hangs below it; d3 would centre each column instead.
function stack(nodes, padding) {
  const columns = new Map()
  for (const node of nodes) columns.set(node.layer, [...(columns.get(node.layer) ?? []), node])
  for (const column of columns.values()) {
    let y = 8
    for (const node of column) {
      const height = node.y1 - node.y0
      node.y0 = y
      node.y1 = y + height
      y += height + (node.value > SMALLEST ? padding : 0)
    }
  }
  for (const { sourceLinks, targetLinks } of nodes) {
    sourceLinks.sort((a, b) => a.target.y0 - b.target.y0)
    targetLinks.sort((a, b) => a.source.y0 - b.source.y0)
  }
}

function svg({ nodes, links }, width, height) {
  const path = sankeyLinkHorizontal()
  const kind = (a, b) => (a === "none" ? "none" : USEFUL.has(a) && USEFUL.has(b) ? "useful" : a === "water" || a === "grid" ? "source" : "loss")
  const bands = links.filter(({ value }) => value > SMALLEST).map((link) => `<path class="band ${kind(link.source.id, link.target.id)}" d="${path(link)}" stroke-width="${Math.max(1, link.width).toFixed(1)}"><title>${link.source.label} to ${link.target.label}: ${fixed(link.value, 2)} kW</title></path>`)
  const boxes = nodes.filter(({ value }) => value > SMALLEST).map(({ id, label, x0, x1, y0, y1, value }) => {
    const y = (y0 + y1) / 2
    return `<rect class="${id === "none" ? "none" : ""}" x="${x0.toFixed(1)}" y="${y0.toFixed(1)}" width="${(x1 - x0).toFixed(1)}" height="${Math.max(1, y1 - y0).toFixed(1)}"></rect><text x="${(x1 + 6).toFixed(1)}" y="${y.toFixed(1)}" data-node="${id}">${label} <tspan class="kw">${fixed(value, 1)}</tspan></text>`
  })
  const told = links.filter(({ value }) => value > SMALLEST).map((link) => `${link.source.label} to ${link.target.label} ${fixed(link.value, 1)} kW`).join(", ")
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="power flows: ${told}">${bands.join("")}${boxes.join("")}</svg>`
}

function paragraph(text) {
  const p = document.createElement("p")
  p.className = "empty"
  p.textContent = text
  return p
}

// Power flows as bands: grid and water on the left, what is delivered along the top, what is lost below.
//
// Every band is made from powers of the state; what flows where is in flows.js.

import { sankey, sankeyLinkHorizontal } from "d3-sankey"

import { fixed } from "../format.js"
import { flows, PATHS, sides } from "../plant/flows.js"
import { stream } from "../stream/stream.js"
import { write } from "../widgets/dom.js"

const MEAN = 2 // seconds of simulated time
const NARROWEST = 900 // pixels; in a narrower drawing the labels would overlap, so a phone scrolls
const NODES = [
  ["grid", "Grid supply"],
  ["compressor", "Compressor"],
  ["water", "Heat from the water"],
  ["none", "No source in the model"],
  ["ambient", "Surroundings: air vented cold"],
  ["changing", "Surroundings that change"],
  ["release", "Out of store"],
  ["air", "Air in receiver and pockets"],
  ["chain", "Chain"],
  ["electric", "Generator"],
  ["export", "To the grid"],
  ["load", "Dump load, chopper"],
  ["electricloss", "Generator, converter"],
  ["mechanicloss", "Friction, gear, brake"],
  ["waterloss", "Water: drag, exchange"],
  ["heat", "Heat of compression"],
  ["vent", "Air vented"],
  ["wall", "Receiver wall"],
  ["pressed", "Work on the surroundings"],
  ["aux", "Auxiliaries"],
  ["store", "Into store"],
]
const USEFUL = new Set(["grid", "compressor", "air", "chain", "electric", "export"])
const SPINE = ["grid", "compressor", "air", "chain", "electric", "export"]
const SMALLEST = 0.02 // kW; smaller bands are not drawn
const LEAST = 1e-4 // kW; what a link of the spine gets that does not flow

/** @typedef {{ id: string, label: string }} NodeExtra */
/** @typedef {object} LinkExtra */
/** @typedef {import("d3-sankey").SankeyGraph<NodeExtra, LinkExtra>} Graph */
/** @typedef {import("d3-sankey").SankeyNode<NodeExtra, LinkExtra>} Node */
/** @typedef {Omit<Required<Node>, "sourceLinks" | "targetLinks"> & { layer: number, sourceLinks: Band[], targetLinks: Band[] }} Placed */
/** @typedef {{ source: Placed, target: Placed, value: number, width: number }} Band */

const newLayout = /** @type {() => import("d3-sankey").SankeyLayout<Graph, NodeExtra, LinkExtra>} */ (
  /** @type {unknown} */ (sankey)
)

/**
 * @param {HTMLElement} box
 * @param {HTMLElement} sum
 */
export function sankeyChart(box, sum) {
  const chart = new Chart(box, sum)
  new ResizeObserver(() => chart.restyle()).observe(box)
  return chart
}

class Chart {
  /**
   * @param {HTMLElement} box
   * @param {HTMLElement} sum
   */
  constructor(box, sum) {
    this.box = box
    this.sum = sum
    /** @type {Map<string, number>} */
    this.means = new Map()
    /** @type {{ t: number, row: number[] }[]} */
    this.kept = []
    this.due = 0
    /** @type {Map<string, number | null> | null} The means of the past that are drawn. */
    this.drawn = null
  }

  // Keeps the mean of what was read over the last seconds of simulated time: pulses of air would make the bands jump.
  follow() {
    const t = stream.frame?.t ?? 0
    const row = PATHS.flatMap((path) => stream.value(path) ?? [])
    if (row.length < PATHS.length) return false
    const newest = this.kept.at(-1)
    if (newest && t < newest.t) this.kept = []
    if (newest?.t !== t) this.kept.push({ t, row })
    while (this.kept[0].t <= t - MEAN) this.kept.shift()
    this.means = new Map(
      PATHS.map((path, i) => [path, this.kept.reduce((all, kept) => all + kept.row[i], 0) / this.kept.length]),
    )
    return true
  }

  /**
   * Draws what flowed at a moment of the past. `means`: by channel; null if there are none.
   * @param {Map<string, number | null> | null} means
   */
  past(means) {
    if (!means) return this.clear("no data")
    const known = [...means].flatMap(([path, value]) => (value === null ? [] : [/** @type {const} */ ([path, value])]))
    if (known.length < means.size) return this.clear("not recorded")
    if (this.drawn === means && this.due) return
    this.drawn = means
    this.means = new Map(known)
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

  draw() {
    if (!this.box.clientWidth) return
    const width = Math.max(this.box.clientWidth, NARROWEST)
    const height = this.box.clientHeight
    const { bands } = flows(this.means)
    /** @param {string} from */
    const total = (from) =>
      [...bands].filter(([key]) => key.startsWith(`${from} `)).reduce((all, [, value]) => all + value, 0)
    /** @param {string} to */
    const into = (to) => [...bands].filter(([key]) => key.endsWith(` ${to}`)).reduce((all, [, value]) => all + value, 0)
    const sums = sides(bands)
    write(
      this.sum,
      `from the grid ${kilowatts(total("grid"))} → to the grid ${kilowatts(into("export"))}; ` +
        `in all ${kilowatts(sums.in)} in, ${kilowatts(sums.out)} out`,
    )
    if (Math.max(0, ...bands.values()) <= SMALLEST) return this.box.replaceChildren(paragraph("Nothing flows now."))
    // The spine is always there, however little flows, so that no column of the drawing is ever empty.
    for (const [i, to] of SPINE.slice(1).entries())
      if (!bands.has(`${SPINE[i]} ${to}`)) bands.set(`${SPINE[i]} ${to}`, LEAST)
    const used = new Set([...bands.keys()].flatMap((key) => key.split(" ")))
    const places = NODES.map(([id]) => id)
    const layout = newLayout()
      .nodeId(({ id }) => id)
      .nodeWidth(10)
      .nodePadding(Math.min(22, height / 16))
      .nodeSort((a, b) => places.indexOf(a.id) - places.indexOf(b.id))
      .nodeAlign(align)
      .extent([
        [2, 8],
        [width - 168, height - 8],
      ])
    const graph = layout({
      nodes: NODES.filter(([id]) => used.has(id)).map(([id, label]) => ({ id, label })),
      links: [...bands].map(([key, value]) => ({ source: key.split(" ")[0], target: key.split(" ")[1], value })),
    })
    // The layout has given each node its place, and has replaced the names in the links by nodes.
    const placed = /** @type {{ nodes: Placed[], links: Band[] }} */ (graph)
    stack(placed.nodes, layout.nodePadding())
    layout.update(graph)
    this.box.innerHTML = svg(placed, width, height)
  }
}

/** @param {number} power */
const kilowatts = (power) => `${fixed(power, 1)} kW`

/** @type {Record<string, number>} */
const COLUMN = {
  grid: 0,
  compressor: 1,
  water: 1,
  none: 1,
  ambient: 1,
  changing: 1,
  release: 1,
  air: 2,
  chain: 3,
  electric: 4,
}
/** @param {Node} node */
const align = ({ id }) => COLUMN[id] ?? 5

/**
 * Lets what is useful run straight along the top, with the losses below it; d3 would centre each column instead.
 * @param {Placed[]} nodes
 * @param {number} padding
 */
function stack(nodes, padding) {
  /** @type {Map<number, Placed[]>} */
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

/**
 * @param {{ nodes: Placed[], links: Band[] }} graph
 * @param {number} width
 * @param {number} height
 */
function svg({ nodes, links }, width, height) {
  const shown = links.filter(({ value }) => value > SMALLEST)
  const boxes = nodes.filter(({ value }) => value > SMALLEST)
  const bands = shown.map((link) => `${link.source.label} to ${link.target.label} ${kilowatts(link.value)}`)
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img"
    aria-label="power flows: ${bands.join(", ")}">${shown.map(band).join("")}${boxes.map(box).join("")}</svg>`
}

/** @type {(link: Band) => string | null} */
const path = sankeyLinkHorizontal()

/** @param {Band} link */
function band(link) {
  const { source, target, value, width } = link
  return `<path class="band ${kindOf(source.id, target.id)}" d="${path(link)}" stroke-width="${Math.max(1, width).toFixed(1)}"
    ><title>${source.label} to ${target.label}: ${fixed(value, 2)} kW</title></path>`
}

/**
 * @param {string} source
 * @param {string} target
 */
function kindOf(source, target) {
  if (source === "none") return "none"
  if (USEFUL.has(source) && USEFUL.has(target)) return "useful"
  return source === "water" || source === "grid" ? "source" : "loss"
}

/** @param {Placed} node */
function box({ id, label, x0, x1, y0, y1, value }) {
  const [left, top, width, height] = [x0, y0, x1 - x0, Math.max(1, y1 - y0)].map((pixels) => pixels.toFixed(1))
  const [x, y] = [x1 + 6, (y0 + y1) / 2].map((pixels) => pixels.toFixed(1))
  return `<rect class="${id === "none" ? "none" : ""}" x="${left}" y="${top}" width="${width}" height="${height}"></rect
    ><text x="${x}" y="${y}" data-node="${id}">${label} <tspan class="kw">${fixed(value, 1)}</tspan></text>`
}

/** @param {string} text */
function paragraph(text) {
  const p = document.createElement("p")
  p.className = "empty"
  p.textContent = text
  return p
}

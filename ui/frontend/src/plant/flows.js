// Power flows between the parts of the plant, from the powers of a state frame. Pure: channels in, bands out.
//
// What a hub takes in and does not pass on goes into store, and the other way round, so that the drawing always balances. That
// these are the plant's stores, and not an error of the drawing, is shown by tests that compare them with the ledger.

import { namesIn } from "./ledger_lines.js"

/** @param {string} name */
const p = (name) => `powers.${name}`
/** @param {string} name */
const free = (name) => `hypotheses.unsourced_power_${name}`

/**
 * [from, to, channels that are added, channels that are subtracted]
 * @typedef {[string, string, string[], string[]?]} Link
 */

/** @type {Link[]} */
const LINKS = [
  ["grid", "compressor", [p("compressor")]],
  ["grid", "aux", [p("auxiliary_heat")]],
  ["grid", "chain", [p("auxiliary")], [p("auxiliary_heat")]], // the power paid for bubbles moves the water
  ["water", "air", [p("heat_from_water")]],
  ["changing", "air", [p("environment")]], // work on the pockets; with a finite bath also the heat that warms it
  ["none", "compressor", [free("recovery")]], // the claim is work that the compressor does not draw
  ["none", "chain", [free("h1"), free("h2"), free("h3"), free("jet")]],
  ["compressor", "heat", [p("aftercooler")]],
  ["air", "vent", [p("vent")]],
  ["air", "wall", [p("receiver_heat")]],
  ["air", "chain", [p("buoyancy"), p("jet_wake"), "thrust"], [free("jet")]], // a physical jet is driven by the pocket's air
  ["chain", "waterloss", namesIn("waterloss").map(p)],
  ["chain", "mechanicloss", namesIn("mechanicloss").map(p)],
  ["chain", "electric", [p("shaft")]],
  ["electric", "electricloss", namesIn("electricloss").map(p)],
  ["electric", "load", namesIn("load").map(p)],
  ["electric", "export", [p("grid")]],
]
const THRUST = ["hypotheses.jet_force", "chain.speed"] // kN and m/s: their product is the jet's power on the chain
export const PATHS = [
  ...new Set([
    ...LINKS.flatMap(([, , added, taken = []]) => [...added, ...taken]).filter((path) => path !== "thrust"),
    ...THRUST,
  ]),
]
// Missing in runs that were recorded before this channel existed: their surroundings changed in steps only, without power.
const LATER = new Set([p("environment")])

/**
 * The means at a recorded moment by channel; null for those that were not recorded.
 * @param {(path: string) => number | null | undefined} mean
 * @returns {Map<string, number | null>}
 */
export const recordedMeans = (mean) => new Map(PATHS.map((path) => [path, mean(path) ?? (LATER.has(path) ? 0 : null)]))

const HUBS = ["compressor", "air", "chain", "electric"]
/** @type {Record<string, string>} */
const OPPOSITE = {
  water: "wall",
  changing: "pressed",
  heat: "ambient",
  vent: "ambient",
  wall: "ambient",
  export: "grid",
}
const SOURCES = new Set(["grid", "water", "none", "ambient", "changing", "release"])

/**
 * Bands by "from to", none of them negative, in the unit of the powers (kW); and what each hub puts into store, below 0 if it
 * takes from store. A link with a negative sum is drawn the other way round.
 * @param {Map<string, number>} means
 */
export function flows(means) {
  /** @type {Map<string, number>} */
  const bands = new Map()
  /** @param {string} path */
  const at = (path) => means.get(path) ?? NaN
  const stored = Object.fromEntries(HUBS.map((hub) => [hub, 0]))
  /** @param {string} path */
  const power = (path) => (path === "thrust" ? THRUST.reduce((all, each) => all * at(each), 1) : at(path))
  /** @param {string[]} paths */
  const sum = (paths) => paths.reduce((all, path) => all + power(path), 0)
  /**
   * @param {string} from
   * @param {string} to
   * @param {number} value
   */
  const add = (from, to, value) => {
    if (value <= 0) return
    bands.set(`${from} ${to}`, (bands.get(`${from} ${to}`) ?? 0) + value)
    if (from in stored) stored[from] -= value
    if (to in stored) stored[to] += value
  }
  for (const [from, to, added, taken = []] of LINKS) {
    const value = sum(added) - sum(taken)
    if (value >= 0) add(from, to, value)
    else if (!HUBS.includes(from)) add(to, OPPOSITE[from] ?? "store", -value)
    else if (!HUBS.includes(to)) add(OPPOSITE[to] ?? "release", from, -value)
    else add(to, "store", -value) // a pump or a motor: the receiving part stores it, or its own losses are drawn from store
  }
  // The compressor stores nothing: what it does not reject is in the air that it delivers.
  add("compressor", "air", stored.compressor)
  const changes = { ...stored }
  for (const hub of HUBS) {
    add(hub, "store", changes[hub])
    add("release", hub, -changes[hub])
  }
  return { bands, stored: changes }
}

/**
 * What comes in, from outside or out of store, and what goes out, or into store. The two are equal, whatever the plant does.
 * @param {Map<string, number>} bands
 */
export function sides(bands) {
  const sums = { in: 0, out: 0 }
  for (const [key, value] of bands) {
    const [from, to] = key.split(" ")
    if (SOURCES.has(from)) sums.in += value
    if (!HUBS.includes(to)) sums.out += value
  }
  return sums
}

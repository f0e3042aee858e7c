// Power flows between the parts of the plant, from the powers of a state frame. Pure: channels in, bands out.
//
// What a hub takes in and does not give on goes into store, and the other way round, so that both sides always balance.
// That these stores are those of the plant, and no error of the drawing, is what tests compare with the ledger.

import { namesIn } from "./ledger_lines.js"

/** @param {string} name */
const p = (name) => `powers.${name}`
/** @param {string} name */
const free = (name) => `hypotheses.unsourced_power_${name}`

/**
 * [from, to, channels added, channels taken off]
 * @typedef {[string, string, string[], string[]?]} Link
 */

/** @type {Link[]} */
const LINKS = [
  ["grid", "compressor", [p("compressor")]],
  ["grid", "aux", [p("auxiliary_heat")]],
  ["grid", "chain", [p("auxiliary")], [p("auxiliary_heat")]], // what is paid for bubbles moves the water
  ["water", "air", [p("heat_from_water")]],
  ["changing", "air", [p("environment")]], // work on the pockets; with a finite bath also the heat that warms it
  ["none", "compressor", [free("recovery")]], // the claim is work that the compressor does not draw
  ["none", "chain", [free("h1"), free("h2"), free("h3"), free("jet")]],
  ["compressor", "heat", [p("aftercooler")]],
  ["air", "vent", [p("vent")]],
  ["air", "wall", [p("receiver_heat")]],
  ["air", "chain", [p("buoyancy"), p("jet_wake"), "thrust"], [free("jet")]], // a jet that is no claim is driven by the pocket
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
// Missing in runs that were recorded before the line existed: their surroundings changed by steps alone.
const LATER = new Set([p("environment")])

/**
 * The means of a recorded moment by channel; null where the recording has none.
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
 * Bands by "from to", none negative, in the unit of the powers (kW); and what each hub stores, < 0 if it gives from store.
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
 * What comes in from outside or out of store, and what goes out or into store. They are equal, whatever the plant does.
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

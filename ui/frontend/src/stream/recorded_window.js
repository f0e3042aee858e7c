// What the page does not keep itself of the plotted channels: asked of the recorder for the stretch that is looked at.

import { messageOf } from "./commands.js"
import { stream } from "./stream.js"
import { view } from "./view_state.js"

const BINS = 6000
const MOST_BINS = 700
const SHORT = 5 // seconds; below, the recorder knows more than the means of 50 ms that the page keeps
const WAIT = 150
const BEGUN = 0.2 // seconds; a page that has heard the run from here on has all of it

/** @typedef {(number | null)[]} Column */
/**
 * What the recorder has of a stretch, by the question that it answers.
 * @typedef {{ key: string, t: number[], columns: Map<string, Column>, from: number, to: number }} Recorded
 */

export class RecordedWindow {
  /**
   * @param {ui.Commands} commands
   * @param {string[]} paths
   * @param {() => void} drawn
   */
  constructor(commands, paths, drawn) {
    this.commands = commands
    this.paths = paths
    this.drawn = drawn
    /** @type {Recorded | null} */
    this.data = null
    this.asked = ""
    this.busy = false
    this.problem = ""
    this.covered = false
  }

  /**
   * [t, column...] of a stretch that is not live; null if the page's own samples do, or are all that there is. What is missing
   * is asked for.
   * @param {string[]} paths
   * @param {ui.Range} range
   * @returns {Column[] | null}
   */
  window(paths, [from, to]) {
    const { series } = stream
    this.covered = series !== null && series.length > 0 && (from >= series.heard || series.heard < BEGUN)
    if (view.live || (this.covered && to - from > SHORT)) return null
    const key = `${stream.recordedRun()} ${from} ${to}`
    if (this.asked !== key) this.ask(key)
    const { data } = this
    if (data?.key !== key || !data.t.length) {
      const own = series !== null && series.length > 0 && series.t[0] < to && series.last > from
      if (this.covered || own) return null
    }
    if (!data || data.to <= from || data.from >= to) return [[], ...paths.map(() => [])]
    return [data.t, ...paths.map((path) => data.columns.get(path) ?? [])]
  }

  // Why there is nothing to show, empty while there is something.
  get trouble() {
    return this.covered ? "" : this.problem
  }

  /** @param {string} key */
  async ask(key) {
    this.asked = key
    if (this.busy) return
    this.busy = true
    let last = ""
    while (last !== this.asked) {
      await new Promise((resolve) => setTimeout(resolve, WAIT)) // a slider that is drawn along asks for its last place
      last = this.asked
      await this.fetch(last)
    }
    this.busy = false
    this.drawn()
  }

  /** @param {string} key */
  async fetch(key) {
    const [run, from, to] = key.split(" ")
    const bins = Math.min(MOST_BINS, Math.floor(BINS / this.paths.length))
    try {
      const found = await this.commands.ask("history", {
        run,
        channels: this.paths,
        start: Math.max(0, Number(from)),
        end: Math.max(0.01, Number(to)),
        bins,
      })
      /** @type {Map<string, Column>} */
      const columns = new Map()
      for (const { name, mean } of found.channels) {
        const channel = stream.channel(name)
        if (channel) columns.set(name, inUnit(mean, channel))
      }
      this.data = { key, t: found.t, columns, from: Number(from), to: Number(to) }
      this.problem = found.t.length
        ? ""
        : `nothing is recorded of this stretch of run ${run}${stream.series?.length ? ": shown is what this page has heard" : ""}`
    } catch (error) {
      this.problem = messageOf(error)
    }
  }
}

/**
 * @param {(number | null)[]} values SI
 * @param {ui.Channel} channel
 */
const inUnit = (values, { factor, offset }) => values.map((value) => (value === null ? null : value * factor + offset))

// Asks the recorder for the plotted channels over the range that is looked at, where the page does not keep them itself.

import { messageOf } from "./commands.js"
import { stream } from "./stream.js"
import { view } from "./view_state.js"

const BINS = 6000 // values in one answer of the recorder, over all channels
const MOST_BINS = 700
const SHORT = 5 // seconds; in a shorter range the recorder has more than the means of 50 ms that the page keeps
const WAIT = 150 // milliseconds; a slider that is dragged asks for its last place only
const BEGUN = 0.2 // seconds; a page whose samples begin this early has heard all of the run

/** @typedef {(number | null)[]} Column */
/**
 * What the recorder has of a range. `key`: the question that it answers.
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
   * [t, column...] for a range that is not live; null if the page's own samples are as good, or all that there is. What the page
   * lacks is asked for, and drawn once it has come.
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

  // Why there is nothing to show; empty while there is something.
  get trouble() {
    return this.covered ? "" : this.problem
  }

  /** @param {string} key */
  async ask(key) {
    this.asked = key
    if (this.busy) return
    this.busy = true
    let last = ""
    // Whatever is asked for while an answer is on its way is only noted, and of that only the newest is asked for afterwards.
    while (last !== this.asked) {
      await new Promise((resolve) => setTimeout(resolve, WAIT))
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
        : `nothing is recorded of this part of run ${run}${stream.series?.length ? ": shown is what this page has heard" : ""}`
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

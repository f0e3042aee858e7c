// Numbers at one moment of the past, from the recorder: those of the newest state up to it, and means of the 2 s before it.

import { messageOf } from "./commands.js"
import { stream } from "./stream.js"
import { view } from "./view_state.js"

const MOST = 64 // channels of one question
const BINS = 90
const SPAN = 2 // seconds; at high speed states lie seconds apart
const WAIT = 150 // milliseconds; a slider that is dragged asks less often, and the newest states are on disk by then
const JUST = 0.0005 // seconds; the end of a range is not part of it

/** @typedef {"last" | "mean"} Statistic */
/** @typedef {Partial<Record<Statistic, number | null>>} Statistics */
/**
 * What the recorder has of a moment. `missing`: how many of the wanted channels it lacks.
 * @typedef {{ run: string, t: number, values: Map<string, Statistics>, missing: number }} Found
 */

export class RecordedValues {
  /**
   * `names`: gives the wanted channels; the recorder is asked for those that it has. `averaged`: channels, at most 64, whose
   * means are wanted too.
   * @param {ui.Commands} commands
   * @param {() => string[]} names
   * @param {string[]} [averaged]
   */
  constructor(commands, names, averaged = []) {
    this.commands = commands
    this.names = names
    this.averaged = averaged
    /** @type {Found | null} */
    this.found = null
    /** @type {{ run: string, names: Set<string> } | null} Channels that the recorder has of a run. */
    this.recorded = null
    this.wanted = ""
    this.known = ""
    this.busy = false
    this.problem = ""
  }

  // What is recorded of the moment that the view shows, or of the one before it while the recorder is asked; null while the
  // view is live, and where nothing is recorded.
  follow() {
    if (view.live) Object.assign(this, { found: null, wanted: "", known: "", problem: "" })
    else {
      this.wanted = `${stream.recordedRun()} ${view.range()[1]}`
      if (this.wanted !== this.known) this.ask()
    }
    return this.found
  }

  /**
   * A value in SI units; null if it is not recorded.
   * @param {string} name
   * @param {Statistic} [what]
   */
  raw(name, what = "last") {
    return this.found?.values.get(name)?.[what] ?? null
  }

  // True while the page's own frame is shown, because the recorder has nothing of the moment at which the view was frozen.
  get held() {
    return !this.found && Boolean(view.frozenFrame)
  }

  /**
   * A value in the unit that people read; null if there is none.
   * @param {string} path
   * @param {Statistic} [what]
   */
  value(path, what) {
    const frozen = view.frozenFrame
    if (!this.found && frozen) return stream.read(frozen, path)
    const value = this.raw(path, what)
    const channel = stream.channel(path)
    return value === null || !channel ? null : value * channel.factor + channel.offset
  }

  async ask() {
    if (this.busy) return // one question at a time; `follow` asks again once what is wanted differs from what is known
    this.busy = true
    await new Promise((resolve) => setTimeout(resolve, WAIT))
    const { wanted } = this
    const [run, t] = wanted.split(" ")
    let found = null
    let problem = ""
    try {
      if (!wanted) return // live again
      found = await this.fetch(run, Math.max(0.01, Number(t)))
      if (!found) problem = "nothing is recorded at this moment"
    } catch (error) {
      problem = messageOf(error)
    } finally {
      this.busy = false
    }
    if (this.wanted) Object.assign(this, { found, problem, known: wanted })
  }

  /**
   * @param {string} run
   * @param {number} t
   * @returns {Promise<Found | null>}
   */
  async fetch(run, t) {
    // Once for a run. A run that has just begun may have no channels yet, and is asked about again.
    if (this.recorded?.run !== run || !this.recorded.names.size) {
      const { channels } = await this.commands.ask("channels", { run })
      this.recorded = { run, names: new Set(channels.map(({ name }) => name)) }
    }
    const names = this.names()
    const { names: recorded } = this.recorded
    const kept = names.filter((name) => recorded.has(name))
    if (!kept.length) return null
    /**
     * @param {string[]} channels
     * @param {number} start
     */
    const ask = (channels, start) => this.commands.ask("history", { run, channels, start, end: t + JUST, bins: BINS })
    const flows = kept.filter((name) => this.averaged.includes(name))
    const before = await ask(flows.length ? flows : kept.slice(0, 1), Math.max(0, t - SPAN))
    const newest = before.t.at(-1)
    if (newest === undefined) return null
    /** @type {Map<string, Statistics>} */
    const values = new Map(before.channels.map(({ name, mean, samples }) => [name, { mean: meanOf(mean, samples) }]))
    // The bin that holds the newest state, divided once more, so finely that the state is alone in the last bin: the mean of
    // that is the state's own value.
    for (let first = 0; first < kept.length; first += MOST) {
      const { channels } = await ask(kept.slice(first, first + MOST), newest)
      for (const { name, mean } of channels) values.set(name, { ...values.get(name), last: mean.at(-1) ?? null })
    }
    return { run, t, values, missing: names.length - kept.length }
  }
}

/**
 * @param {(number | null)[]} means
 * @param {number[]} samples
 */
function meanOf(means, samples) {
  let count = 0
  let sum = 0
  samples.forEach((states, i) => {
    count += states
    sum += states * (means[i] ?? 0)
  })
  return count ? sum / count : null
}

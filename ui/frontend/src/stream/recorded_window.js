// What the page does not keep itself of the plotted channels: asked of the recorder for the stretch that is looked at.

import { stream } from "./stream.js"
import { view } from "./view_state.js"

const BINS = 6000
const MOST_BINS = 700
const SHORT = 5 // seconds; below, the recorder knows more than the means of 50 ms that the page keeps
const WAIT = 150
const BEGUN = 0.2 // seconds; a page that has heard the run from here on has all of it

export class RecordedWindow {
  constructor(commands, paths, drawn) {
    Object.assign(this, { commands, paths, drawn, data: null, asked: "", busy: false, problem: "", covered: false })
  }

  // [t, column...] of a stretch that is not live; null if the page's own samples do, or are all that there is. What is missing
  // is asked for.
  window(paths, [from, to]) {
    this.covered = stream.series.length > 0 && (from >= stream.series.heard || stream.series.heard < BEGUN)
    if (view.live || (this.covered && to - from > SHORT)) return null
    const key = `${stream.recordedRun()} ${from} ${to}`
    if (this.asked !== key) this.ask(key)
    const { data } = this
    if (data?.key !== key || !data.t.length) {
      const own = stream.series.length > 0 && stream.series.t[0] < to && stream.series.last > from
      if (this.covered || own) return null
    }
    if (!data || data.to <= from || data.from >= to) return [[], ...paths.map(() => [])]
    return [data.t, ...paths.map((path) => data.columns.get(path))]
  }

  // Why there is nothing to show, empty while there is something.
  get trouble() {
    return this.covered ? "" : this.problem
  }

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
      const columns = new Map()
      found.channels.forEach(({ mean }, i) => {
        const { factor, offset } = stream.channel(this.paths[i])
        columns.set(
          this.paths[i],
          mean.map((value) => (value === null ? null : value * factor + offset)),
        )
      })
      this.data = { key, t: found.t, columns, from: Number(from), to: Number(to) }
      this.problem = found.t.length
        ? ""
        : `nothing is recorded of this stretch of run ${run}${stream.series.length ? ": shown is what this page has heard" : ""}`
    } catch (error) {
      this.problem = error.message
    }
  }
}

// What the page does not keep itself of the plotted channels: asked of the recorder for the stretch that is looked at.

import { stream } from "./stream.js"
import { view } from "./view.js"

const BINS = 6000
const MOST_BINS = 700
const SHORT = 5 // seconds; below, the recorder knows more than the means of 50 ms that the page keeps
const WAIT = 150

export class Past {
  constructor(commands, paths, drawn) {
    Object.assign(this, { commands, paths, drawn, data: null, asked: "", busy: false, problem: "" })
  }

  // [t, column...] of a stretch that is not live, null while there is none; what is missing is asked for.
  window(paths, [from, to]) {
    if (view.live || this.kept(from, to)) return null
    const key = `${stream.recordedRun()} ${from} ${to}`
    if (this.asked !== key) this.ask(key, from, to)
    const { data } = this
    if (!data || data.to <= from || data.from >= to) return [[], ...paths.map(() => [])]
    return [data.t, ...paths.map((path) => data.columns.get(path))]
  }

  // The page has it itself, and as finely as anybody.
  kept(from, to) {
    const { series } = stream
    return series.length > 0 && to - from > SHORT && (from >= series.t[0] || series.t[0] < 0.2)
  }

  async ask(key, from, to) {
    this.asked = key
    if (this.busy) return
    this.busy = true
    await new Promise((resolve) => setTimeout(resolve, WAIT)) // a slider that is drawn along asks for its last place
    const last = this.asked
    const [, start, end] = last.split(" ")
    try {
      const bins = Math.min(MOST_BINS, Math.floor(BINS / this.paths.length))
      const found = await this.commands.ask("history", { run: stream.recordedRun(), channels: this.paths, start: Math.max(0, Number(start)), end: Math.max(0.01, Number(end)), bins })
      this.take(found, Number(start), Number(end))
      this.problem = ""
    } catch (error) {
      this.problem = error.message
    }
    this.busy = false
    if (this.asked !== last) {
      const [, nextFrom, nextTo] = this.asked.split(" ")
      this.ask(this.asked, nextFrom, nextTo)
    }
    this.drawn()
  }

  take(found, from, to) {
    const columns = new Map()
    found.channels.forEach(({ mean }, i) => {
      const { factor, offset } = stream.channel(this.paths[i])
      columns.set(this.paths[i], mean.map((value) => (value === null ? null : value * factor + offset)))
    })
    this.data = { t: found.t, columns, from, to, width: found.width }
  }
}

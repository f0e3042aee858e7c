// History: any recorded channel of any run; follow the present, pause, zoom, scrub back, and export what is shown.

import { fixed, moment } from "../format.js"
import { readAs } from "../plant/units.js"
import { save, saveImage } from "../plots/download.js"
import { AXES, COLOURS, lineOf, RecordedPlot } from "../plots/recorded_plot.js"
import { messageOf } from "../stream/commands.js"
import { recordedOf } from "../stream/modules.js"
import { stream } from "../stream/stream.js"
import { view } from "../stream/view_state.js"
import { byId, focused, query, queryAll, write } from "../widgets/dom.js"

const SPANS = [30, 120, 600, 3600] // seconds
const DEFAULT = ["grid.import_power", "grid.export_power", "receiver.pressure"]
const MOST = COLOURS.length
const BINS = 700
const LIVE_EVERY = 1000 // milliseconds between two questions while the present is followed

/** @param {number} span */
const spanText = (span) => (span < 60 ? `${span} s` : span < 3600 ? `${span / 60} min` : "1 h")
/** @param {number} span */
const spanButton = (span) => `<button data-span="${span}" data-testid="span-${span}">${spanText(span)}</button>`

export const HTML = `
<section class="card panel history">
  <header><h2>History <small data-testid="history-run">–</small></h2>
    <label class="find">Run <select data-testid="history-choose"></select></label>
    <div class="buttons" role="group" aria-label="span">${SPANS.map(spanButton).join("")}
      <button data-span="all" data-testid="span-all">All</button></div>
    <button data-testid="history-pause" aria-pressed="false" title="hold the plot; recording continues">Pause</button>
    <button data-testid="history-live">Return to live</button>
    <span class="spring"></span>
    <button data-testid="history-csv">CSV</button><button data-testid="history-png">PNG</button></header>
  <div class="channelrow"><label class="find">Add channel <input list="kpp-channels" data-testid="channel-add"
      placeholder="name, e.g. chain.speed" autocomplete="off"></label><datalist id="kpp-channels"></datalist
    ><ul class="chips" data-testid="channel-list"></ul></div>
  <p class="hint" role="status" data-testid="history-answer">Drag in the plot to zoom, double-click to see all.</p>
  <p class="readout" data-testid="history-readout"></p>
  <figure class="plot big"><div class="canvas" data-testid="history-plot" role="img"
    aria-label="recorded channels over simulated time"></div></figure>
  <div class="scrub"><label for="kpp-scrub">Scrub</label>
    <input id="kpp-scrub" type="range" min="0" max="1000" value="1000" data-testid="scrub">
    <output data-testid="scrub-range">–</output></div>
</section>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands }) {
  const page = new History(root, commands)
  return {
    round: () => page.round(),
    shown: () => page.open(),
    restyle: () => page.redraw(),
    resize: () => page.redraw(),
  }
}

/** @typedef {bus.History & { range: ui.Range, left: Map<string, string> }} Shown `left`: why some channels are not drawn. */

class History {
  /**
   * @param {HTMLElement} root
   * @param {ui.Commands} commands
   */
  constructor(root, commands) {
    this.root = root
    this.commands = commands
    /** @type {bus.RecordedRun[]} */
    this.runs = []
    /** @type {Map<string, bus.RecordedChannel>} Channels with numbers, by name. */
    this.channels = new Map()
    /** @type {string | null} The run that these channels are of. */
    this.channelsOf = null
    this.span = 120
    /** @type {number | null} End of what is shown; null for the newest. */
    this.end = null
    this.live = true
    this.busy = false
    this.again = false
    this.due = 0
    /** @type {Shown | null} */
    this.data = null
    this.plot = new RecordedPlot(byId(root, "history-plot"), root, {
      zoomed: (range) => this.zoom(range),
      reset: () => this.all(),
      pointed: (t, values) => this.point(t, values),
    })
    for (const button of queryAll(root, "[data-span]"))
      button.onclick = () => (button.dataset.span === "all" ? this.all() : this.setSpan(Number(button.dataset.span)))
    byId(root, "history-pause").onclick = () => this.pause()
    byId(root, "history-live").onclick = () => this.goLive()
    this.select = byId(root, "history-choose", HTMLSelectElement)
    this.slider = byId(root, "scrub", HTMLInputElement)
    const channel = byId(root, "channel-add", HTMLInputElement)
    this.select.onchange = () => this.choose(this.select.value)
    this.slider.oninput = () => this.scrub(Number(this.slider.value) / 1000)
    channel.onchange = () => this.add(channel)
    byId(root, "history-csv").onclick = () => this.csv()
    byId(root, "history-png").onclick = () => this.png()
  }

  get names() {
    return view.channels.length ? view.channels : DEFAULT
  }

  // The run that is shown: the chosen one, or the present one.
  get run() {
    return view.run || stream.recordedRun()
  }

  /**
   * The time range that can be shown; in a replay also the part that has not been played yet.
   * @returns {ui.Range}
   */
  get extent() {
    const found = this.runs.find(({ run }) => run === this.run)
    const module = recordedOf(found)
    const last = module?.end ?? 0
    return [0, this.run === stream.recordedRun() ? Math.max(last, stream.frame?.t ?? 0) : last]
  }

  async open() {
    await this.tries(async () => {
      this.runs = (await this.commands.ask("runs", {})).runs
      const { select } = this
      select.replaceChildren(new Option("the present one", ""), ...this.runs.map(({ run }) => new Option(run, run)))
      // The page's address may name a run that is older than those listed.
      if (view.run && !this.runs.some(({ run }) => run === view.run)) select.add(new Option(view.run, view.run))
      select.value = view.run
    })
    if (view.run) this.all()
    else this.goLive()
  }

  async list() {
    if (this.channelsOf === this.run) return
    this.channels = new Map()
    this.channelsOf = null
    const { channels } = await this.commands.ask("channels", { run: this.run })
    this.channelsOf = channels.length ? this.run : null // a run that has just begun may have none yet
    this.channels = new Map(
      channels.filter(({ kind }) => kind === "float" || kind === "int").map((each) => [each.name, each]),
    )
    query(this.root, "#kpp-channels").replaceChildren(
      ...[...this.channels.values()].map(({ name, meaning, unit }) =>
        Object.assign(document.createElement("option"), {
          value: name,
          label: `${meaning}${unit ? ` [${unit}]` : ""}`,
        }),
      ),
    )
  }

  /** @param {string} run */
  choose(run) {
    view.set({ run })
    this.open()
  }

  /** @param {number} span */
  setSpan(span) {
    this.span = span
    this.ask()
  }

  pause() {
    this.live = !this.live
    if (this.live) this.end = null
    else this.end ??= this.extent[1]
    this.ask()
  }

  goLive() {
    if (view.run) view.set({ run: "" })
    this.select.value = ""
    this.live = true
    this.end = null
    this.ask()
  }

  all() {
    const [start, end] = this.extent
    this.live = false
    this.span = Math.max(1, end - start)
    this.end = Math.max(end, 1)
    this.ask()
  }

  /** @param {number} share */
  scrub(share) {
    const [, last] = this.extent
    this.live = false
    this.end = Math.min(this.span, last) + share * Math.max(0, last - this.span)
    this.ask()
  }

  /** @param {ui.Range} range */
  zoom([start, end]) {
    this.live = false
    this.span = Math.max(0.1, end - start)
    this.end = end
    this.ask()
  }

  /** @param {HTMLInputElement} input */
  add(input) {
    const name = input.value.trim()
    if (!name) return
    if (!this.channels.has(name)) return this.say(`${name}: there is no recorded channel with numbers of this name`)
    if (!this.names.includes(name)) {
      if (this.names.length >= MOST) return this.say(`at most ${MOST} channels can be shown: remove one first`)
      const units = [...new Set(this.names.filter((each) => this.channels.has(each)).map((each) => this.unit(each)))]
      if (units.length >= AXES && !units.includes(this.unit(name)))
        return this.say(
          `${name} has the unit ${this.unit(name) || "1"}, and the plot has no more than ${AXES} axes, ` +
            `for ${units.map((unit) => unit || "1").join(", ")}: remove a channel first`,
        )
      view.set({ channels: [...this.names, name] })
    }
    input.value = ""
    this.ask()
  }

  /** @param {string} name */
  unit(name) {
    return readAs(this.channels.get(name)?.unit ?? "1")[0]
  }

  // The channels that can be drawn, and for each of the others the reason why it cannot.
  fitting() {
    /** @type {string[]} */
    const drawn = []
    /** @type {Map<string, string>} */
    const left = new Map()
    /** @type {Set<string>} */
    const units = new Set()
    for (const name of this.names) {
      if (!this.channels.has(name)) left.set(name, "not recorded in this run")
      else if (drawn.length >= MOST) left.set(name, `at most ${MOST} at a time`)
      else if (units.size >= AXES && !units.has(this.unit(name)))
        left.set(name, `no axis left for ${this.unit(name) || "1"}`)
      else {
        units.add(this.unit(name))
        drawn.push(name)
      }
    }
    return { drawn, left }
  }

  /** @param {string} name */
  remove(name) {
    const left = this.names.filter((each) => each !== name)
    if (left.length) view.set({ channels: left })
    this.ask()
  }

  /** @param {string} text */
  say(text) {
    write(byId(this.root, "history-answer"), text)
  }

  /** @param {() => Promise<unknown>} what */
  async tries(what) {
    try {
      await what()
    } catch (error) {
      if (this.data && this.data.run !== this.run) this.clear(messageOf(error))
      else this.say(messageOf(error))
    }
  }

  round() {
    const present = !view.run
    byId(this.root, "history-pause").setAttribute("aria-pressed", String(!this.live))
    byId(this.root, "history-live", HTMLButtonElement).disabled = this.live && present
    for (const button of queryAll(this.root, "[data-span]"))
      button.setAttribute("aria-pressed", String(Number(button.dataset.span) === this.span))
    write(
      byId(this.root, "history-run"),
      `run ${this.run || "–"}${present ? (this.live ? ", following" : ", held") : ", recorded"}`,
    )
    const now = performance.now()
    if (!this.live || now < this.due || document.hidden) return // nobody looks at a hidden page: the recorder is spared
    this.due = now + LIVE_EVERY
    this.ask()
  }

  /**
   * Shows nothing, and why. What is drawn must never be of another run than the one that is named above it.
   * @param {string} why
   */
  clear(why) {
    this.data = null
    this.plot.clear()
    this.legend([], this.fitting().left)
    this.point(null, [])
    write(byId(this.root, "scrub-range"), "–")
    globalThis.__kpp.history = { range: null, bins: 0, channels: [], live: this.live, run: this.run }
    this.say(why)
  }

  /**
   * Shows time and values at the place in the plot that is pointed at.
   * @param {number | null} t
   * @param {(number | null)[]} values
   */
  point(t, values) {
    const lines = this.plot.shown?.lines ?? []
    const told = lines.map(({ label, unit }, i) => `${label} ${fixed(values[i], 3)}${unit ? ` ${unit}` : ""}`)
    write(byId(this.root, "history-readout"), t === null ? "" : `at ${moment(t, 3)}: ${told.join(" · ")}`)
  }

  async ask() {
    // One question at a time: whatever is chosen meanwhile is asked for afterwards, once.
    if (this.busy) return void (this.again = true)
    this.busy = true
    if (this.data && this.data.run !== this.run) this.clear(`run ${this.run}: asking the recorder …`)
    await this.tries(async () => {
      await this.list()
      const [, last] = this.extent
      const end = this.end ?? last
      const start = Math.max(0, end - this.span)
      const { run } = this
      const { drawn, left } = this.fitting()
      if (end <= 0 || !drawn.length)
        return this.clear(
          this.channels.size && end > 0
            ? `run ${run} has none of these channels`
            : `nothing is recorded of run ${run} yet`,
        )
      const data = await this.commands.ask("history", { run, channels: drawn, start, end, bins: BINS })
      if (run !== this.run) return void (this.again = true) // another run was chosen meanwhile
      if (!data.t.length) return this.clear(`nothing is recorded of run ${run} from ${moment(start)} to ${moment(end)}`)
      this.data = { ...data, range: [start, end], left }
      this.redraw()
      this.say(
        `${[...left].map(([name, why]) => `${name}: ${why}. `).join("")}bins of ${fixed(data.width, 3)} s, ` +
          `${data.t.length} with values${data.lost ? `; ${data.lost} damaged or dropped segments are missing` : ""}. ` +
          "Drag to zoom, double-click to see all.",
      )
    })
    this.busy = false
    if (this.again) {
      this.again = false
      this.ask()
    }
  }

  redraw() {
    const { data } = this
    if (!data) return
    const lines = data.channels.map((channel) => lineOf(channel, data.t))
    this.plot.draw({ lines, range: data.range })
    this.legend(lines, data.left)
    const [start, end] = data.range
    write(byId(this.root, "scrub-range"), `${moment(start)} to ${moment(end)} of ${moment(this.extent[1])}`)
    const { slider } = this
    const room = this.extent[1] - this.span
    // Not while somebody moves it, or it would be pulled back to what is drawn so far.
    if (focused(slider) !== slider)
      slider.value = room > 0 ? String(Math.round((1000 * (end - this.span)) / room)) : "1000"
    globalThis.__kpp.history = {
      range: data.range,
      bins: data.t.length,
      channels: lines.map(({ name }) => name),
      live: this.live,
      run: data.run,
    }
  }

  /**
   * @param {import("../plots/recorded_plot.js").Line[]} drawn
   * @param {Map<string, string>} left
   */
  legend(drawn, left) {
    const lines = [...drawn, ...[...left.keys()].map((name) => ({ name, label: `${name}, not drawn`, unit: "" }))]
    const list = byId(this.root, "channel-list")
    const key = lines.map(({ label, unit }) => `${label} ${unit}`).join("\n")
    if (list.dataset.key === key) return // a button that is replaced under the pointer cannot be pressed
    list.dataset.key = key
    list.replaceChildren(
      ...lines.map((line, i) => {
        const item = document.createElement("li")
        const swatch = i < drawn.length ? `background:var(--${this.plot.colour(i)})` : ""
        item.innerHTML = `<i style="${swatch}"></i><span></span><button title="remove">×</button>`
        // As text and never as HTML: names can come from the page's address, which anybody may have written.
        query(item, "span").textContent = `${line.label}${line.unit ? ` [${line.unit}]` : ""}`
        const remove = query(item, "button")
        remove.setAttribute("aria-label", `remove ${line.label}`)
        remove.onclick = () => this.remove(line.name)
        return item
      }),
    )
  }

  csv() {
    const { data } = this
    if (!data) return
    const lines = data.channels.map((channel) => lineOf(channel, data.t))
    const head = [
      "t [s]",
      ...lines.flatMap(({ label, unit }) =>
        ["mean", "min", "max"].map((what) => `${label} ${what}${unit ? ` [${unit}]` : ""}`),
      ),
    ]
    const rows = data.t.map((t, i) =>
      [t, ...lines.flatMap((line) => [line.mean[i], line.minimum[i], line.maximum[i]])]
        .map((value) => value ?? "")
        .join(","),
    )
    save(`kpp-${data.run}.csv`, new Blob([[head.join(","), ...rows].join("\n") + "\n"], { type: "text/csv" }))
  }

  png() {
    if (!this.data) return
    const [start, end] = this.data.range
    const picture = this.plot.picture(`run ${this.data.run}, ${moment(start)} to ${moment(end)}`)
    saveImage(`kpp-${this.data.run}.png`, picture)
  }
}

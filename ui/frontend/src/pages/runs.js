// Runs: the recorded runs, a comparison of two, forks from any moment of one, and replays.

import { fileSize, fixed, howToType, moment, power10, typed } from "../format.js"
import { lineOf, RecordedPlot } from "../plots/recorded_plot.js"
import { messageOf } from "../stream/commands.js"
import { Latest } from "../stream/latest.js"
import { addressOf, recordedOf, several } from "../stream/modules.js"
import { stream } from "../stream/stream.js"
import { view } from "../stream/view_state.js"
import { endsRun } from "../widgets/confirm.js"
import { byId, flag, query, queryAll, write } from "../widgets/dom.js"
import { tableHead } from "../widgets/table.js"

const COMPARED = [
  "grid.net_power",
  "grid.export_power",
  "chain.speed",
  "receiver.pressure",
  "grid.import_energy",
  "grid.export_energy",
  "ledger.unsourced",
  "ledger.r_a",
]

const RUN_HEADS = ["Run", "Length", "States", "On disk", "Compare", "Open", "Play back"]

const RECORDED = `
  <section class="card panel"><header><h2>Recorded runs</h2><button data-testid="runs-refresh">Refresh</button></header>
    <div class="scroll" tabindex="0" aria-label="recorded runs"
      ><table class="rows" data-testid="runs">${tableHead(RUN_HEADS)}<tbody></tbody></table></div>
    <button data-testid="runs-more" hidden>Older runs</button>
    <p class="hint" role="status" data-testid="runs-answer"></p></section>`

const FORK = `
  <section class="card panel"><header>
      <h2>Fork <small>a new run that begins at a moment of a recorded one</small></h2></header>
    <div class="until"><label for="kpp-fork-run">Run</label><select id="kpp-fork-run" data-testid="fork-run"></select>
      <label for="kpp-fork-t">at</label><input id="kpp-fork-t" data-testid="fork-t" inputmode="decimal" autocomplete="off">
      <span class="unit">s</span><button data-testid="fork">Fork and reset to it</button></div>
    <p class="hint" role="status" data-testid="fork-answer">The module computes that moment again from the ticks and keeps it.
      The present run ends; the new run stands at time zero.</p>
  </section>`

const REPLAY = `
  <section class="card panel" data-testid="replay-card"><header>
      <h2>Replay <small>a recording played back beside the plant</small></h2></header>
    <p data-testid="replay-state" role="status">–</p>
    <div class="buttons loose">
      <a class="button" data-testid="replay-open" target="_blank" rel="noopener" hidden>Open its dashboard</a>
      <button data-testid="replay-end" hidden>End the replay</button></div>
    <p class="hint">A replay has a dashboard and a gateway of its own, which are marked as a replay everywhere; there you can
      play, pause, seek and slow it down. The same from a terminal: <code data-testid="replay-command">kpp replay RUN</code></p
    ></section>`

const COMPARISON = `
  <section class="card panel wide"><header><h2>Compare two runs <small data-testid="compared">tick two runs in the list</small></h2>
      <label class="find">Channel <select data-testid="compare-channel"
        >${COMPARED.map((name) => `<option>${name}</option>`).join("")}</select></label></header>
    <figure class="plot big short" data-testid="compare-figure" hidden
      ><div class="canvas" data-testid="compare-plot" role="img" aria-label="two runs over simulated time"></div></figure>
    <table class="rows" data-testid="compare-table" hidden><thead><tr><th scope="col">At the end of the time that both have</th>
      <th scope="col" data-testid="compare-first"></th><th scope="col" data-testid="compare-second"></th>
      <th scope="col">difference</th></tr></thead><tbody></tbody></table></section>`

export const HTML = `
<div class="columns runs">${RECORDED}
  <div class="stack-of-panels">${FORK}${REPLAY}</div>${COMPARISON}
</div>`

/**
 * @param {HTMLElement} root
 * @param {ui.Tools} tools
 */
export function start(root, { commands, confirm }) {
  const page = new Runs(root, commands, confirm)
  return {
    round: () => page.replay(),
    shown: () => page.open(),
    restyle: () => page.plot.shown && page.plot.draw(page.plot.shown),
  }
}

/** @param {ui.Replaying | null | undefined} told */
function describe(told) {
  if (!told) return "No recording is played back: choose a run in the list."
  if (told.state === "starting") return `Run ${told.run}: its dashboard is starting …`
  if (told.state === "playing") return `Run ${told.run} is played back.`
  return `The replay of run ${told.run} has ended: ${told.reason}`
}

/**
 * The replay's dashboard, on the host by which this one was reached.
 * @param {number} port
 */
function replayAddress(port) {
  const address = `${location.protocol}//${location.hostname}:${port}/`
  const module = stream.hello?.module
  return several() && module ? addressOf(module, address) : address
}

class Runs {
  /**
   * @param {HTMLElement} root
   * @param {ui.Commands} commands
   * @param {ui.Confirm} confirm
   */
  constructor(root, commands, confirm) {
    this.root = root
    this.commands = commands
    this.confirm = confirm
    /** @type {bus.RecordedRun[]} */
    this.runs = []
    /** @type {string[]} The runs that are compared, at most two. */
    this.chosen = []
    this.listed = new Latest()
    this.comparison = new Latest()
    this.problem = ""
    this.plot = new RecordedPlot(byId(root, "compare-plot"), root, {
      zoomed: (range) => this.compare(range),
      reset: () => this.compare(),
    })
    byId(root, "runs-refresh").onclick = () => this.open()
    byId(root, "runs-more").onclick = () => this.load(this.runs.at(-1)?.run ?? "")
    byId(root, "compare-channel").onchange = () => this.compare()
    byId(root, "fork").onclick = () => this.fork()
    byId(root, "replay-end").onclick = () => this.play("replay_end", {})
  }

  open() {
    return this.load("")
  }

  /**
   * Asks for the newest runs or, if a run is given, for the ones before it, which are appended.
   * @param {string} before
   */
  async load(before) {
    const answer = byId(this.root, "runs-answer")
    try {
      const found = await this.listed.of(this.commands.ask("runs", { before }))
      if (!found) return
      const { runs, more, status, quota, used, free } = found
      this.runs = before ? [...this.runs, ...runs] : runs
      byId(this.root, "runs-more").hidden = !more
      write(
        answer,
        `Recorder: ${status}. ${fileSize(used)} of ${fileSize(quota)} used, ${fileSize(free)} free on its disk.`,
      )
    } catch (error) {
      write(answer, messageOf(error))
    }
    this.show()
  }

  show() {
    const rows = this.runs.map((run) => {
      const row = document.createElement("tr")
      row.dataset.testid = `run-${run.run}`
      const module = recordedOf(run)
      for (const text of [
        `${run.run}${run.recording ? " ●" : ""}`,
        module ? moment(module.end) : "–",
        module ? String(module.rows) : "0",
        fileSize(run.bytes),
      ])
        row.insertCell().textContent = text
      if (run.recording) row.cells[0].title = "is being recorded"
      const box = Object.assign(document.createElement("input"), {
        type: "checkbox",
        checked: this.chosen.includes(run.run),
      })
      box.setAttribute("aria-label", `compare ${run.run}`)
      box.onchange = () => this.choose(run.run, box.checked)
      row.insertCell().append(box)
      const link = Object.assign(document.createElement("a"), {
        textContent: "history",
        href: view.link("history", { run: run.run }),
      })
      row.insertCell().append(link)
      const play = Object.assign(document.createElement("button"), { textContent: "Replay" })
      play.dataset.testid = `replay-${run.run}`
      play.dataset.replay = ""
      play.setAttribute("aria-label", `replay ${run.run}`)
      play.onclick = () => this.play("replay", { run: run.run })
      row.insertCell().append(play)
      return row
    })
    query(byId(this.root, "runs"), "tbody").replaceChildren(...rows)
    const fork = byId(this.root, "fork-run", HTMLSelectElement)
    const chosen = fork.value
    fork.replaceChildren(...this.runs.map(({ run }) => new Option(run, run)))
    if (this.runs.some(({ run }) => run === chosen)) fork.value = chosen // a new list has the first one chosen
    if (this.runs.length) write(byId(this.root, "replay-command"), `kpp replay ${this.runs[0].run}`)
  }

  /**
   * @param {"replay" | "replay_end"} ask
   * @param {{ run: string } | Record<string, never>} args
   */
  async play(ask, args) {
    this.problem = ""
    try {
      await this.commands.ask(ask, args)
    } catch (error) {
      this.problem = messageOf(error)
    }
  }

  // The state of the replay. It is one for the whole dashboard, so all pages show the same, whoever has started it.
  replay() {
    const told = stream.connected ? stream.note?.replaying : null
    const inside = Boolean(stream.note?.clock?.replay)
    byId(this.root, "replay-card").hidden = inside
    byId(this.root, "fork", HTMLButtonElement).disabled = inside
    byId(this.root, "fork").title = inside ? "this is a replay: fork the run on the plant's own dashboard" : ""
    for (const button of queryAll(this.root, "[data-replay]", HTMLButtonElement))
      button.disabled = inside || told?.state === "starting"
    const open = byId(this.root, "replay-open", HTMLAnchorElement)
    open.hidden = told?.state !== "playing"
    if (told) open.href = replayAddress(told.port)
    byId(this.root, "replay-end").hidden = !told || told.state === "ended"
    const state = byId(this.root, "replay-state")
    write(state, this.problem || describe(told))
    flag(state, "abnormal", this.problem || told?.state === "ended" ? "yes" : "no")
  }

  /**
   * @param {string} run
   * @param {boolean} on
   */
  choose(run, on) {
    this.chosen = this.chosen.filter((each) => each !== run)
    if (on) this.chosen = [...this.chosen, run].slice(-2) // a third run takes the place of the first
    for (const row of queryAll(byId(this.root, "runs"), "tbody tr")) {
      query(row, "input", HTMLInputElement).checked = this.chosen.some((each) => row.dataset.testid === `run-${each}`)
    }
    this.compare()
  }

  /**
   * Draws both runs over the simulated time that both have, or over a part of it.
   * @param {ui.Range} [range]
   */
  async compare(range) {
    const two = this.chosen.length === 2
    for (const id of ["compare-figure", "compare-table"]) byId(this.root, id).hidden = !two
    if (!two) return write(byId(this.root, "compared"), "tick two runs in the list")
    const ends = this.chosen.map((run) => recordedOf(this.runs.find((each) => each.run === run))?.end ?? 0)
    const [start, end] = range ?? [0, Math.max(0.1, Math.min(...ends))]
    const told = byId(this.root, "compared")
    try {
      const answers = await this.comparison.of(
        Promise.all(
          this.chosen.map((run) => this.commands.ask("history", { run, channels: COMPARED, start, end, bins: 600 })),
        ),
      )
      if (!answers || this.chosen.length !== 2) return // others were chosen meanwhile
      const name = byId(this.root, "compare-channel", HTMLSelectElement).value
      const lines = answers.map((answer, i) => {
        const channel = answer.channels.find((each) => each.name === name)
        if (!channel) throw new Error(`${name} is not recorded in run ${this.chosen[i]}`)
        return { ...lineOf(channel, answer.t, this.chosen[i]), dash: i ? [6, 4] : undefined }
      })
      this.plot.draw({ lines, range: [start, end] })
      if (!range) this.table(answers)
      write(
        told,
        `${this.chosen[0]} (line) and ${this.chosen[1]} (dashes), ${range ? `${moment(start)} to ` : ""}${moment(end)}; ` +
          "drag to zoom, double-click to see all",
      )
    } catch (error) {
      write(told, messageOf(error))
    }
  }

  /** @param {bus.History[]} answers */
  table(answers) {
    this.chosen.forEach((run, i) => write(byId(this.root, i ? "compare-second" : "compare-first"), run))
    const rows = COMPARED.map((name, i) => {
      const row = document.createElement("tr")
      const [a, b] = answers.map((answer) => lineOf(answer.channels[i], answer.t))
      const [first, second] = [a, b].map((line) => line.mean.findLast((value) => value !== null) ?? null)
      const difference = first === null || second === null ? null : second - first
      const head = document.createElement("th")
      head.scope = "row"
      head.textContent = `${name}${a.unit ? ` [${a.unit}]` : ""}`
      row.append(head)
      for (const value of [first, second, difference])
        row.insertCell().textContent = name.endsWith("r_a") ? power10(value) : fixed(value, 3)
      return row
    })
    query(byId(this.root, "compare-table"), "tbody").replaceChildren(...rows)
  }

  async fork() {
    const answer = byId(this.root, "fork-answer")
    const run = byId(this.root, "fork-run", HTMLSelectElement).value
    const text = byId(this.root, "fork-t", HTMLInputElement).value
    const t = typed(text)
    const module = recordedOf(this.runs.find((each) => each.run === run))
    if (!module || !(t > 0) || t > module.end)
      return write(answer, howToType(text) || `t: give a time above 0 s and up to ${moment(module?.end ?? 0)}`)
    if (
      !(await endsRun(
        this.confirm,
        "Fork and reset to it?",
        "Fork",
        `The new run begins at ${moment(t)} of run ${run}.`,
      ))
    )
      return
    try {
      write(answer, "the module is preparing that moment …")
      const seq = await this.tickAt(run, t, module)
      const begun = await this.commands.fork(run, seq, {})
      write(answer, `forked at ${moment(begun.t)} of run ${run}: run ${begun.run} begins there`)
    } catch (error) {
      write(answer, messageOf(error))
    }
  }

  /**
   * The tick with which the run reached a time. It is looked up and not computed, because ticks of a pause advance nothing.
   * @param {string} run
   * @param {number} t
   * @param {bus.RecordedModule} module
   */
  async tickAt(run, t, module) {
    const answer = await this.commands.ask("tick_at", { run, t })
    return Math.min(Math.max(1, answer.seq), module.last)
  }
}

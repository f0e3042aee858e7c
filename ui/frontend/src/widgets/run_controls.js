// Run controls. They show what the plant reports and not what was clicked last; every press is answered.

import { fixed, MISSING, moment, spelt } from "../format.js"
import { describe, outcome } from "../stream/command_text.js"
import { stream } from "../stream/stream.js"
import { endsRun } from "./confirm.js"
import { byId, flag, query, queryAll, write } from "./dom.js"

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100]
const FLAT_OUT = "flat-out"
const REFUSED = new Set(["rejected", "refused", "unanswered"])

/** @typedef {"start" | "pause" | "resume" | "step" | "stop" | "reset"} Control */

/** @type {[Control, ui.Clock["mode"][]][]} The modes of the clock in which each control can be pressed. */
const ALLOWED = [
  ["start", ["stopped"]],
  ["pause", ["running"]],
  ["resume", ["paused"]],
  ["step", ["stopped", "paused"]],
  ["stop", ["running", "paused"]],
  ["reset", ["stopped", "running", "paused"]],
]

// What each control does; and, where it cannot be pressed, why not and what to press instead.
/** @type {Record<Control, (begun: boolean) => string>} */
const TITLES = {
  start: (begun) =>
    begun
      ? "the run has ended: begin a new run of this scenario at 0 s; recordings are kept"
      : "let simulated time run; the plant starts with it",
  pause: () => "hold simulated time; Resume continues",
  resume: () => "continue after a pause",
  step: () => "advance by one tick",
  stop: () => "end this run for good; Pause holds it instead",
  reset: () => "end this run and begin a new one of the chosen scenario, stopped at 0 s",
}
/** @type {Record<Control, (clock: ui.Clock) => string>} */
const WHY_NOT = {
  start: (clock) =>
    clock.mode === "paused"
      ? "the run is paused: Resume continues it"
      : stream.note?.module?.plc === "stopped"
        ? "simulated time is running, but the plant stands still: press Start plant, above"
        : "simulated time is already running",
  pause: (clock) => (clock.mode === "paused" ? "the run is already paused" : "simulated time is not running"),
  resume: (clock) =>
    clock.mode === "stopped" ? "only a paused run can be resumed" : "simulated time is already running",
  step: () => "pause the run first",
  stop: () => "the run is already stopped",
  reset: () => "",
}

export const CONTROLS = `
<section class="card controls" aria-label="run controls">
  <div class="buttons" role="group" aria-label="run" data-live>
    <button data-testid="start" class="primary">Start</button>
    <button data-testid="pause">Pause</button>
    <button data-testid="resume">Resume</button>
    <button data-testid="step">Step</button>
    <button data-testid="stop">Stop</button>
  </div>
  <div class="seek" data-testid="replay-controls" role="group" aria-label="replay" hidden>
    <button data-testid="replay-play" class="primary">Play</button>
    <label for="kpp-seek">Moment</label>
    <input id="kpp-seek" data-testid="seek" type="range" step="0.01">
    <output for="kpp-seek" data-testid="seek-t">–</output>
  </div>
  <div class="pair">
    <label for="kpp-speed">Speed</label>
    <select id="kpp-speed" data-testid="speed">
      ${SPEEDS.map((speed) => `<option value="${speed}">${speed} ×</option>`).join("")}
      <option value="${FLAT_OUT}">as fast as possible</option>
    </select>
  </div>
  <div class="pair" data-live>
    <label for="kpp-scenario">Scenario</label>
    <select id="kpp-scenario" data-testid="scenario"></select>
    <button data-testid="reset">New run</button>
  </div>
  <div class="answer" aria-live="polite">
    <details class="commands">
      <summary data-testid="command-state">No command yet</summary>
      <ol data-testid="command-log"></ol>
    </details>
    <div class="refusal" role="alert" data-testid="refusal" hidden
      ><span></span><button data-testid="refusal-close" aria-label="close">×</button></div>
  </div>
  <dl class="facts">
    <div><dt>Simulated time</dt><dd><b data-testid="sim-time">–</b></dd></div>
    <div><dt>Requested</dt><dd data-testid="speed-requested">–</dd></div>
    <div><dt>Achieved</dt><dd data-testid="speed-achieved">–</dd></div>
    <div><dt>Held by</dt><dd data-testid="held-by">–</dd></div>
    <div><dt>Bus</dt><dd data-testid="bus-rate">–</dd></div>
    <div><dt>Lost</dt><dd data-testid="lost">–</dd></div>
    <div class="nodes"><dt>Nodes</dt><dd data-testid="nodes"></dd></div>
  </dl>
</section>`

/**
 * @param {HTMLElement} root
 * @param {ui.Commands} commands
 * @param {ui.Confirm} confirm
 */
export function controls(root, commands, confirm) {
  /** @param {string} name */
  const button = (name) => byId(root, name, HTMLButtonElement)
  const speed = byId(root, "speed", HTMLSelectElement)
  const scenario = byId(root, "scenario", HTMLSelectElement)
  /** @type {string | null} */
  let chosen = null
  /**
   * @param {string} name
   * @param {Record<string, unknown>} [args]
   */
  const press = (name, args) => commands.clock(name, args)

  for (const name of ["start", "pause", "resume"]) button(name).onclick = () => press(name)
  button("step").onclick = () => press("step", { ticks: 1 })
  button("stop").onclick = async () => {
    if (
      await endsRun(
        confirm,
        "Stop this run?",
        "Stop the run",
        "Pause holds it instead. Start then begins a new run at 0 s.",
      )
    )
      press("stop")
  }
  button("reset").onclick = async () => {
    const wanted = scenario.value // read first: while the question is open, the list goes on following the plant
    if (!(await endsRun(confirm, "Begin a new run?", "New run", `The new run, of scenario ${wanted}, stands at 0 s.`)))
      return
    press("reset", { scenario: wanted })
    chosen = null
  }
  const seek = replayed(root, commands)
  const refused = refusal(root)
  speed.onchange = () =>
    press("set_speed", speed.value === FLAT_OUT ? { flat_out: true } : { speed: Number(speed.value) })
  scenario.onchange = () => (chosen = scenario.value)

  const refresh = () => {
    const clock = stream.note?.clock ?? null
    const heard = stream.clockLive() ? clock : null
    const begun = (stream.frame?.t ?? 0) > 0
    for (const [name, modes] of ALLOWED) {
      const able = heard !== null && modes.includes(heard.mode)
      button(name).disabled = !able
      button(name).title = able ? TITLES[name](begun) : heard ? WHY_NOT[name](heard) : "the clock is not heard"
    }
    write(button("start"), heard?.mode === "stopped" && begun ? "Start new run" : "Start")
    speed.disabled = scenario.disabled = !heard
    seek(heard)
    if (clock) {
      follow(speed, clock.flat_out ? FLAT_OUT : String(clock.speed), `${clock.speed} ×`)
      follow(scenario, chosen ?? clock.scenario, clock.scenario)
    }
    showCommands(root)
    refused()
    showFacts(root, heard)
  }
  const fill = () => {
    scenario.replaceChildren(...(stream.hello?.scenarios ?? []).map((name) => new Option(name, name)))
  }
  stream.on((kind) => {
    if (kind === "hello") fill()
    refresh()
  })
  fill()
  refresh()
  return refresh
}

/**
 * The controls of a replay, which is played, paused and sought instead of started, stopped and reset.
 * @param {HTMLElement} root
 * @param {ui.Commands} commands
 */
function replayed(root, commands) {
  const [box, told] = ["replay-controls", "seek-t"].map((name) => byId(root, name))
  const play = byId(root, "replay-play", HTMLButtonElement)
  const slider = byId(root, "seek", HTMLInputElement)
  const live = queryAll(root, "[data-live]")
  const flatOut = query(root, `[data-testid="speed"] [value="${FLAT_OUT}"]`)
  let held = false // true while the slider is dragged: what the clock reports would pull it back
  play.onclick = () => commands.clock(stream.note?.clock?.mode === "running" ? "pause" : "start")
  slider.oninput = () => {
    held = true
    write(told, moment(Number(slider.value)))
  }
  // Only when it is let go: every seek begins a new run of the replay.
  slider.onchange = () => {
    held = false
    commands.clock("seek", { t: Number(slider.value) })
  }
  return (/** @type {ui.Clock | null} */ clock) => {
    const on = Boolean(stream.note?.clock?.replay)
    box.hidden = !on
    for (const each of live) each.hidden = on
    flatOut.hidden = on
    if (!on) return
    play.disabled = slider.disabled = !clock
    if (!clock) return
    const [start, end] = clock.replay_range
    // The range before the value, which the browser keeps within it.
    write(play, clock.mode === "running" ? "Pause" : "Play")
    if (slider.min !== String(start) || slider.max !== String(end))
      Object.assign(slider, { min: String(start), max: String(end) })
    if (held) return
    const t = Math.min(end, Math.max(start, stream.frame?.t ?? start))
    slider.value = String(t)
    write(told, `${moment(t)} of ${moment(end)}`)
    told.title = spelt(t)
  }
}

/**
 * Shows the plant's value, whoever has chosen it, also one that the list does not offer.
 * @param {HTMLSelectElement} select
 * @param {string} value
 * @param {string} label
 */
function follow(select, value, label) {
  if (![...select.options].some((option) => option.value === value)) select.add(new Option(label, value))
  if (select.value !== value) select.value = value
}

/** @param {HTMLElement} root */
function showCommands(root) {
  const commands = [...stream.commands.values()].reverse()
  const newest = commands[0]
  const summary = byId(root, "command-state")
  if (!newest) return
  write(summary, `${newest.mine ? "" : `${newest.origin}: `}${describe(newest)} — ${outcome(newest)}`)
  summary.title = summary.textContent // on the page it is cut to one line, so that nothing below it moves
  flag(summary, "phase", newest.phase)
  const lines = commands.slice(0, 8).map((command) => {
    const who = command.mine ? "this page" : command.origin || "somebody"
    return `${who}: ${describe(command)} — ${outcome(command)}`
  })
  const list = byId(root, "command-log")
  if (list.dataset.lines === lines.join("\n")) return
  list.dataset.lines = lines.join("\n") // rebuilt only when it has changed: somebody may be marking text in it
  list.replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement("li")
      item.textContent = line
      return item
    }),
  )
}

/**
 * Says why a command of this page was not carried out, until the user closes it or gives another command. It lies over the
 * page, so that nothing moves.
 * @param {HTMLElement} root
 */
function refusal(root) {
  const box = byId(root, "refusal")
  const own = () => [...stream.commands.values()].findLast(({ mine }) => mine)
  let closed = ""
  byId(root, "refusal-close").onclick = () => {
    closed = own()?.id ?? ""
    box.hidden = true
  }
  return () => {
    const command = own()
    box.hidden = !command || !REFUSED.has(command.phase) || command.id === closed
    if (command && !box.hidden)
      write(
        query(box, "span"),
        `${describe(command)} was ${command.phase === "unanswered" ? "not answered" : command.phase}: ${command.reason}`,
      )
  }
}

/**
 * @param {HTMLElement} root
 * @param {ui.Clock | null} clock null while it is not heard
 */
function showFacts(root, clock) {
  const t = stream.frame?.t
  const freshness = stream.freshness()
  const shown = freshness === "missing" ? null : t
  flag(byId(root, "sim-time"), "freshness", freshness)
  write(byId(root, "sim-time"), moment(shown))
  byId(root, "sim-time").title = spelt(shown)
  write(byId(root, "speed-requested"), !clock ? MISSING : clock.flat_out ? "max" : `${clock.speed} ×`)
  write(byId(root, "speed-achieved"), clock ? `${fixed(clock.achieved_speed, 2)} ×` : MISSING)
  write(byId(root, "held-by"), clock ? clock.held.join(", ") || "nobody" : MISSING)
  byId(root, "held-by").title = clock ? clock.held.join(", ") : ""
  flag(byId(root, "held-by"), "abnormal", clock?.held.length ? "yes" : "no")
  const bus = stream.note?.bus
  write(byId(root, "bus-rate"), bus && stream.connected ? `${bus.bus_rate} msg/s` : MISSING)
  write(byId(root, "lost"), bus ? String(bus.lost + bus.bad_frames) : MISSING)
  byId(root, "lost").title = bus
    ? `${bus.lost} messages lost, ${bus.repaired} repaired, ${bus.bad_frames} bad frames dropped`
    : ""
  showNodes(byId(root, "nodes"))
}

/** @param {HTMLElement} list */
function showNodes(list) {
  const nodes = stream.connected ? (stream.note?.nodes ?? []) : []
  const key = JSON.stringify(nodes)
  if (list.dataset.key === key) return
  list.dataset.key = key
  list.replaceChildren(
    ...nodes.map(({ node, label, state }) => {
      const chip = document.createElement("span")
      chip.className = "node"
      chip.dataset.testid = `node-${node}`
      chip.dataset.state = state
      chip.title = state
      // The colour of the chip shows the state; a screen reader gets it as a word. The strip at the foot says the rest.
      const [name, unseen] = [document.createElement("span"), document.createElement("span")]
      name.textContent = label
      unseen.className = "unseen"
      unseen.textContent = state === "live" ? "" : ` ${state}`
      chip.append(name, unseen)
      return chip
    }),
  )
}

// The status line in the page's header: which run, in which mode, and whether what is shown is current.

import css from "../css/style.css"
import { celsius, duration, fixed } from "../format.js"
import { several } from "../stream/modules.js"
import { STALE_AFTER, stream } from "../stream/stream.js"
import { byId, flag, mount, query, write } from "../widgets/dom.js"
import { followModules, SELECTOR } from "../widgets/module_selector.js"
import { followTheme, tellSystem } from "../widgets/theme.js"

const HTML = `
<div class="headline">
  <h1>Kinetic Power Plant<small data-testid="scenario-name">–</small></h1>
  ${SELECTOR}
  <span class="chip" data-testid="mode" role="status" aria-label="run mode"><span class="of-run">–</span><span></span></span>
  <span class="chip warn" data-testid="plant-state" role="status" hidden
    ><span></span><span class="what"></span><span class="more"></span></span>
  <span class="spring"></span>
  <span class="chip connection" data-testid="connection" role="status" aria-label="connection">
    <i aria-hidden="true"></i><b>NO DATA</b> <span></span>
  </span>
</div>`

/** @type {Partial<Record<ui.Module["plc"], string>>} */
const DOWN = { emergency_stop: "EMERGENCY STOP", tripped: "TRIPPED" }
const NAMES = { live: "LIVE", stale: "STALE", missing: "NO DATA" }

/** @param {{ model: ui.Model, el: HTMLElement }} view */
export function render({ model, el }) {
  const root = mount(el, HTML, css)
  followTheme(root)
  tellSystem(root, model)
  const connection = byId(root, "connection")
  const [name, detail] = [query(connection, "b"), query(connection, "span")]
  const mode = byId(root, "mode")
  const [run, what] = mode.children
  const plant = byId(root, "plant-state")

  const modules = followModules(byId(root, "module-choice"))

  const refresh = () => {
    modules()
    const state = stream.connected ? stream.freshness() : "missing"
    flag(connection, "state", state)
    const replay = Boolean(stream.note?.clock?.replay)
    write(name, state === "live" && replay ? "REPLAY" : NAMES[state])
    flag(connection, "replay", replay ? "yes" : "no")
    write(detail, connectionDetail(state))
    const clock = stream.note?.clock
    const known = clock && stream.clockLive()
    const plc = state === "missing" ? null : stream.plc()
    const down = plc ? DOWN[plc] : undefined
    const stands = plc === "stopped" && known && clock.mode === "running" ? "PLANT STOPPED" : ""
    const more = known ? (down ?? stands) : ""
    write(run, known ? `${clock.mode.toUpperCase()}${more ? " · " : ""}` : "MODE –")
    write(what, more)
    flag(mode, "more", more ? "yes" : "no")
    flag(mode, "mode", !known ? "unknown" : down ? "down" : clock.mode)
    write(byId(root, "scenario-name"), clock ? `scenario ${clock.scenario} · run ${clock.run}` : "–")
    showPlant(plant, stream.note?.module, state)
  }
  // A timer and not the drawing loop: the tab's title has to be right while the page is hidden, and nothing is drawn then.
  setInterval(() => (refresh(), titled(stream.connected ? stream.freshness() : "missing")), 200)
  stream.on(refresh)
  refresh()
}

/**
 * Shows the run and its state in the title of the browser's tab, the worst first.
 * @param {ui.Freshness} state
 */
function titled(state) {
  const { clock, module } = stream.note ?? {}
  const down = module && state !== "missing" ? DOWN[module.plc] : ""
  const what =
    state === "missing"
      ? "NO DATA"
      : down
        ? `▲ ${down}`
        : clock && stream.clockLive()
          ? clock.mode.toUpperCase()
          : "CLOCK SILENT"
  const which = several() && stream.hello?.module ? `${stream.hello.module} · ` : ""
  const title = `${which}${what}${clock ? ` · run ${clock.run}` : ""} · Kinetic Power Plant`
  if (document.title !== title) document.title = title
}

/** @param {ui.Freshness} state */
function connectionDetail(state) {
  if (!stream.connected) return "dashboard server lost" // whatever else is known is no longer true
  const age = stream.age()
  if (state === "stale" && (age ?? 0) < STALE_AFTER) return `clock silent for ${duration(stream.clockAge())}`
  if (age === null) return "nothing heard yet"
  if (state === "live") return `${fixed(stream.rate, 0)} Hz · ${fixed(Math.max(age, 0) * 1000, 0)} ms old`
  return `${duration(age)} old`
}

/**
 * Shows the most severe cause, and counts the others; a phone has room for the sign and the count only.
 * @param {HTMLElement} chip
 * @param {ui.Module | null | undefined} module
 * @param {ui.Freshness} state
 */
function showPlant(chip, module, state) {
  const known = module && state !== "missing"
  /** @type {[sign: string, text: string][]} */
  const causes = []
  if (known && module.plc === "emergency_stop") causes.push(["■", "EMERGENCY STOP"])
  if (known && module.trip) causes.push(["▲", `TRIP ${module.trip}`])
  const severity = causes.length ? "trip" : "warning"
  if (known) for (const warning of module.warnings) causes.push(["▲", celsius(warning)])
  chip.hidden = !causes.length
  if (!causes.length) return
  const [sign, what, count] = chip.children
  write(sign, causes[0][0])
  write(what, ` ${causes[0][1]}`)
  write(count, causes.length > 1 ? ` +${causes.length - 1}` : "")
  chip.dataset.count = String(causes.length)
  chip.title = causes.map((cause) => cause.join(" ")).join("\n")
  flag(chip, "severity", severity)
}

// The status line in the page's header: what runs, and whether what is shown is true now.

import { byId, flag, mount, write } from "./dom.js"
import { duration, fixed } from "./format.js"
import { stream } from "./stream.js"
import css from "./style.css"
import { followTheme } from "./theme.js"

const HTML = `
<div class="headline">
  <h1>Kinetic Power Plant<small data-testid="scenario-name">–</small></h1>
  <span class="chip" data-testid="mode" role="status" aria-label="run mode">–</span>
  <span class="chip warn" data-testid="plant-state" role="status" hidden></span>
  <span class="spring"></span>
  <span class="chip connection" data-testid="connection" role="status" aria-label="connection">
    <i aria-hidden="true"></i><b>NO DATA</b> <span></span>
  </span>
</div>`

const NAMES = { live: "LIVE", stale: "STALE", missing: "NO DATA" }

export function render({ el }) {
  const root = mount(el, HTML, css)
  followTheme(root)
  const connection = byId(root, "connection")
  const [name, detail] = [connection.querySelector("b"), connection.querySelector("span")]
  const mode = byId(root, "mode")
  const plant = byId(root, "plant-state")

  const refresh = () => {
    const state = stream.connected ? stream.freshness() : "missing"
    flag(connection, "state", state)
    const replay = Boolean(stream.note?.clock?.replay)
    write(name, state === "live" && replay ? "REPLAY" : NAMES[state])
    flag(connection, "replay", replay ? "yes" : "no")
    write(detail, connectionDetail(state))
    const clock = stream.note?.clock
    const known = clock && stream.clockLive()
    write(mode, known ? clock.mode.toUpperCase() : "MODE –")
    flag(mode, "mode", known ? clock.mode : "unknown")
    write(byId(root, "scenario-name"), clock ? `scenario ${clock.scenario} · run ${clock.run}` : "–")
    showPlant(plant, stream.note?.module, state)
  }
  setInterval(refresh, 200)
  stream.on(refresh)
  refresh()
}

function connectionDetail(state) {
  if (!stream.connected) return "dashboard server lost"
  const age = stream.age()
  if (age === null) return "nothing heard yet"
  if (state === "live") return `${fixed(stream.rate, 0)} Hz · ${fixed(Math.max(age, 0) * 1000, 0)} ms old`
  return `${duration(age)} old`
}

function showPlant(chip, module, state) {
  const abnormal = module && state !== "missing" && (module.trip || module.warnings.length)
  chip.hidden = !abnormal
  if (!abnormal) return
  const causes = module.trip ? [`▲ TRIP ${module.trip}`] : module.warnings.map((warning) => `▲ ${warning}`)
  write(chip, causes[0] + (causes.length > 1 ? ` +${causes.length - 1}` : ""))
  chip.title = causes.join("\n")
  flag(chip, "severity", module.trip ? "trip" : "warning")
}

// The page: what stands on all of them (names, alarms, run controls, emergency stop), and the one that is open.
//
// One drawing loop for all that moves, one slower round for all that is read; a page that is not open costs nothing.

import * as alarms from "./alarms.js"
import { backfill } from "./backfill.js"
import { BALANCE, VERDICT, balance } from "./balance.js"
import { Commands } from "./commands.js"
import { CONFIRM, confirmation } from "./confirm.js"
import * as control from "./control.js"
import { CONTROLS, controls } from "./controls.js"
import { byId, flag, mount, write } from "./dom.js"
import * as energy from "./energy.js"
import { fields } from "./fields.js"
import * as floaters from "./floaters.js"
import * as history from "./history.js"
import * as hypotheses from "./hypotheses.js"
import { drivetrain, pneumatics } from "./machines.js"
import { MIMIC, mimic } from "./mimic.js"
import { EVERY_MODULE, several } from "./modules.js"
import { NOTICES, notices } from "./notices.js"
import * as parameters from "./parameters.js"
import { READINGS, readings } from "./readings.js"
import * as runs from "./runs.js"
import { stream } from "./stream.js"
import { STRIPS, strips } from "./strips.js"
import css from "./style.css"
import pagesCss from "./pages.css"
import * as system from "./system.js"
import { followTheme } from "./theme.js"
import { toggleFreeze } from "./timebar.js"
import * as unknown from "./unknown.js"
import uplotCss from "uplot/dist/uPlot.min.css"
import { view } from "./view.js"

const READING_INTERVAL = 200

const front = {
  HTML: `${VERDICT}${READINGS}<div class="stage">${MIMIC}${STRIPS}</div><div class="bottom">${BALANCE}${alarms.CARD}</div>`,
  start: (root, { commands }) => {
    const picture = mimic(root)
    const plots = strips(root, commands)
    const rounds = [readings(root), balance(root), () => plots.legend(), () => picture.label(), alarms.alarmList(root, "alarms", commands)]
    const restyle = () => (picture.restyle(), plots.restyle())
    return { paint: (now, fresh) => picture.paint(now, fresh), draw: plots.draw, round: () => rounds.forEach((round) => round()), restyle, resize: restyle }
  },
}

const PAGES = [
  ["overview", "Overview", front],
  ["energy", "Energy", energy],
  ["floaters", "Floaters", floaters],
  ["drivetrain", "Drivetrain", drivetrain],
  ["pneumatics", "Pneumatics", pneumatics],
  ["control", "Control", control],
  ["hypotheses", "Hypotheses", hypotheses],
  ["parameters", "Parameters", parameters],
  ["alarms", "Alarms", alarms],
  ["history", "History", history],
  ["runs", "Runs", runs],
  ["system", "System", system],
]

const HTML = `
<div class="sheet">
  <div class="topbar">
    <nav aria-label="pages">${PAGES.map(([id, title]) => `<a data-page="${id}" data-testid="nav-${id}" href="#page=${id}">${title}<span class="badge" hidden></span></a>`).join("")}</nav>
    <div class="stops"><span class="next">
      <button data-testid="emergency-reset" hidden>Reset trip …</button>
      <button data-testid="plant-start" title="pressurise the receiver and start the chain: the plant stands, while simulated time runs" hidden>Start plant</button></span>
      <button class="stopbutton" data-testid="emergency-stop" title="brake at once, vent all floaters (simulator stop)">EMERGENCY STOP</button>
      <button class="stopbutton" data-testid="emergency-stop-all" title="brake every module of the plant in the same tick" hidden>Emergency stop all modules</button></div>
  </div>
  ${CONTROLS}
  ${[...PAGES, ["unknown", "no such page", unknown]].map(([id, title, { HTML: html }]) => `<div class="page" data-sheet="${id}" data-testid="page-${id}" role="region" aria-label="${title}" hidden>${html}</div>`).join("")}
  <dialog data-testid="reset-dialog" aria-labelledby="kpp-reset-title"><h2 id="kpp-reset-title">Reset the trip?</h2>
    <p data-testid="reset-cause"></p><p class="hint">It leads to "stopped": the brake stays set until the plant is started again.</p>
    <div class="buttons loose"><button data-testid="reset-cancel">Cancel</button><button data-testid="reset-confirm" class="primary">Reset trip</button></div></dialog>
  ${CONFIRM}${NOTICES}
</div>`

export function render({ model, el }) {
  const root = mount(el, HTML, uplotCss + css + pagesCss)
  const commands = new Commands(model)
  // Before anything is drawn: the colours come with the theme.
  const turn = new Pages(root)
  followTheme(root, () => turn.page?.restyle?.())
  const confirm = confirmation(root)
  const tools = { commands, confirm, fields: fields(commands) }
  const pages = new Map([...PAGES, ["unknown", "", unknown]].map(([id, , page]) => [id, page.start(root.querySelector(`[data-sheet="${id}"]`), tools)]))
  const always = [controls(root, commands, confirm), notices(root), stops(root, commands), () => badge(root), backfill(commands)]
  turn.begin(pages)
  let due = 0
  stream.painters.add((now, fresh) => {
    const { page } = turn
    page.paint?.(now, fresh)
    if (fresh) page.draw?.()
    if (now < due) return
    due = now + READING_INTERVAL
    flag(root, "freshness", stream.connected ? stream.freshness() : "missing")
    for (const round of always) round()
    page.round()
  })
  // While nothing is drawn (a hidden tab) nothing is read either.
  stream.on((kind) => kind === "hello" && turn.page.restyle?.())
  document.addEventListener("keydown", keys)
  // Who points does not type: a button that keeps the focus would take the space bar, and be pressed again by it.
  root.addEventListener("click", ({ target, detail }) => detail > 0 && target.closest("button, a, summary")?.blur())
}

class Pages {
  constructor(root) {
    Object.assign(this, { root, pages: null, open: null, page: null })
  }

  begin(pages) {
    this.pages = pages
    view.listeners.add(() => this.follow())
    this.follow()
  }

  follow() {
    const wanted = this.pages.has(view.page) ? view.page : "unknown"
    for (const link of this.root.querySelectorAll("nav a")) {
      link.href = view.link(link.dataset.page, link.dataset.page === "history" ? {} : { channels: [], run: "" })
      if (link.dataset.page === wanted) link.setAttribute("aria-current", "page")
      else link.removeAttribute("aria-current")
    }
    if (wanted === this.open) return
    this.open = wanted
    const nav = this.root.querySelector("nav") // on a phone it is wider than the screen
    const here = nav.querySelector('[aria-current="page"]')
    if (here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2
    for (const sheet of this.root.querySelectorAll("[data-sheet]")) sheet.hidden = sheet.dataset.sheet !== wanted
    const page = (this.page = this.pages.get(wanted))
    globalThis.__kpp.page = wanted
    // The server's answers come over the session's own connection, which may not be there yet.
    setTimeout(() => this.open === wanted && page.shown?.(), stream.hello ? 0 : 600)
    page.resize?.()
  }
}

function keys(event) {
  const typing = event.composedPath().some((element) => /^(INPUT|SELECT|TEXTAREA|BUTTON|SUMMARY|A)$/.test(element.tagName ?? ""))
  if (event.key !== " " || typing || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  toggleFreeze()
}

// The emergency stop asks nothing; leaving it does.
function stops(root, commands) {
  const dialog = byId(root, "reset-dialog")
  byId(root, "emergency-stop").onclick = () => commands.plant("emergency_stop")
  byId(root, "emergency-stop-all").onclick = () => commands.press(EVERY_MODULE, "emergency_stop")
  byId(root, "emergency-reset").onclick = () => {
    const module = stream.note?.module
    write(byId(root, "reset-cause"), module?.trip ? `It tripped: ${module.trip}.` : "The emergency stop is in force.")
    dialog.showModal()
  }
  byId(root, "plant-start").onclick = () => commands.plant("plant_start")
  byId(root, "reset-cancel").onclick = () => dialog.close()
  byId(root, "reset-confirm").onclick = () => {
    dialog.close()
    commands.plant("plant_reset")
  }
  return () => {
    const state = stream.freshness() === "missing" ? null : stream.note?.module?.plc
    const down = state === "emergency_stop" || state === "tripped"
    byId(root, "emergency-reset").hidden = !down
    const clock = stream.note?.clock
    byId(root, "plant-start").hidden = state !== "stopped" || !["running", "paused"].includes(clock?.mode) || Boolean(clock.replay)
    byId(root, "plant-start").disabled = !stream.clockLive()
    const button = byId(root, "emergency-stop")
    flag(button, "engaged", down ? "yes" : "no")
    const which = several() ? ` ${stream.hello.module ?? ""}` : ""
    write(button, state === "emergency_stop" ? `STOPPED IN EMERGENCY${which}` : `EMERGENCY STOP${which}`)
    const all = byId(root, "emergency-stop-all")
    all.disabled = !stream.clockLive()
    button.disabled = all.disabled || stream.hello?.module === null
    button.hidden = Boolean(stream.note?.clock?.replay) // what is recorded cannot be stopped
    all.hidden = button.hidden || !several()
  }
}

function badge(root) {
  const waiting = stream.alarms.alarms.filter(({ state }) => state !== "acknowledged").length
  const element = root.querySelector('[data-page="alarms"] .badge')
  element.hidden = !waiting
  write(element, waiting > 99 ? "99+" : String(waiting))
}

// The page: what stands on all of them (names, alarms, run controls, emergency stop), and the one that is open.
//
// One drawing loop for all that moves, one slower round for all that is read; a page that is not open costs nothing.

import * as alarms from "./alarms.js"
import { BALANCE, UNSOURCED, VERDICT, balance } from "./balance.js"
import { Commands } from "./commands.js"
import * as control from "./control.js"
import { CONTROLS, controls } from "./controls.js"
import { byId, flag, mount, write } from "./dom.js"
import * as energy from "./energy.js"
import { fields } from "./fields.js"
import * as floaters from "./floaters.js"
import { duration } from "./format.js"
import * as history from "./history.js"
import * as hypotheses from "./hypotheses.js"
import { drivetrain, pneumatics } from "./machines.js"
import { MIMIC, mimic } from "./mimic.js"
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
import uplotCss from "uplot/dist/uPlot.min.css"
import { FIRST_PAGE, view } from "./view.js"

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
    <button class="stopbutton" data-testid="emergency-stop" title="brake at once, vent all floaters (simulator stop)">EMERGENCY STOP</button>
    <button class="resetbutton" data-testid="emergency-reset" hidden>Reset trip …</button>
    <button class="resetbutton" data-testid="plant-start" title="pressurise the receiver and start the chain: the plant stands, while simulated time runs" hidden>Start plant</button>
  </div>
  <div class="banner replay" data-testid="replay" role="status" hidden></div>
  <div class="banner missing" data-testid="missing" role="alert" hidden></div>
  ${UNSOURCED}
  ${CONTROLS}
  ${PAGES.map(([id, title, { HTML: html }]) => `<div class="page" data-sheet="${id}" data-testid="page-${id}" role="region" aria-label="${title}" hidden>${html}</div>`).join("")}
  <dialog data-testid="reset-dialog" aria-labelledby="kpp-reset-title"><h2 id="kpp-reset-title">Reset the plant?</h2>
    <p data-testid="reset-cause"></p><p class="hint">It leads to "stopped": the brake stays set until the plant is started again.</p>
    <div class="buttons loose"><button data-testid="reset-cancel">Cancel</button><button data-testid="reset-confirm" class="primary">Reset</button></div></dialog>
</div>`

export function render({ model, el }) {
  const root = mount(el, HTML, uplotCss + css + pagesCss)
  const commands = new Commands(model)
  // Before anything is drawn: the colours come with the theme.
  const turn = new Pages(root)
  followTheme(root, () => turn.page?.restyle?.())
  const tools = { commands, fields: fields(commands) }
  const pages = new Map(PAGES.map(([id, , page]) => [id, page.start(root.querySelector(`[data-sheet="${id}"]`), tools)]))
  const always = [controls(root, commands), () => missing(root), () => replay(root), stops(root, commands), () => badge(root), unsourced(root)]
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
    const wanted = this.pages.has(view.page) ? view.page : FIRST_PAGE
    for (const link of this.root.querySelectorAll("nav a")) {
      link.href = view.link(link.dataset.page, link.dataset.page === "history" ? {} : { channels: [], run: "" })
      if (link.dataset.page === wanted) link.setAttribute("aria-current", "page")
      else link.removeAttribute("aria-current")
    }
    if (wanted === this.open) return
    this.open = wanted
    const nav = this.root.querySelector("nav") // on a phone it is wider than the screen
    const here = nav.querySelector('[aria-current="page"]')
    nav.scrollLeft = here.offsetLeft - nav.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2
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
    byId(root, "plant-start").hidden = state !== "stopped" || clock?.mode !== "running" || Boolean(clock.replay)
    byId(root, "plant-start").disabled = !stream.clockLive()
    const button = byId(root, "emergency-stop")
    flag(button, "engaged", down ? "yes" : "no")
    write(button, state === "emergency_stop" ? "STOPPED IN EMERGENCY" : "EMERGENCY STOP")
    button.disabled = !stream.clockLive()
    button.hidden = Boolean(stream.note?.clock?.replay) // what is recorded cannot be stopped
  }
}

function badge(root) {
  const waiting = stream.alarms.alarms.filter(({ state }) => state !== "acknowledged").length
  const element = root.querySelector('[data-page="alarms"] .badge')
  element.hidden = !waiting
  write(element, String(waiting))
}

// Claims without a source are named on every page.
function unsourced(root) {
  return balance.banner(byId(root, "unsourced"))
}

// A recording that is played back is no plant: that is said on every page.
function replay(root) {
  const banner = byId(root, "replay")
  const clock = stream.note?.clock
  const module = stream.note?.module
  const on = Boolean(clock?.replay || module?.replay)
  banner.hidden = !on
  if (on) write(banner, `REPLAY of run ${clock?.replay || module?.run}: recorded, not live`)
  flag(root, "replay", on ? "yes" : "no")
}

// Names what is missing, and what that means for the reader.
function missing(root) {
  const banner = byId(root, "missing")
  const reasons = []
  if (!stream.connected) reasons.push("The dashboard's own server does not answer: this page will load anew when it does.")
  const silent = (stream.connected && stream.note ? stream.note.nodes : []).filter(({ state }) => state === "missing" || state === "stale")
  if (silent.length) {
    const names = silent.map(({ label, age }) => (age === null ? `${label} (never heard)` : `${label} (silent for ${duration(age)})`))
    reasons.push(`Missing: ${names.join(", ")}.`)
    if (silent.some(({ node }) => !["gateway", "recorder"].includes(node))) reasons.push(stream.freshness() === "live" ? "Values shown will soon be old." : "Values shown are old and greyed.")
  }
  if (stream.connected && stream.note?.module?.catching_up) reasons.push(`physics ${stream.note.module.name} is catching up with the clock.`)
  banner.hidden = !reasons.length
  write(banner, reasons.join(" "))
}

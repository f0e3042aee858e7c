// The overview: one drawing loop for all that moves, one slower round for all that is read.

import { BALANCE, UNSOURCED, VERDICT, balance } from "./balance.js"
import { CONTROLS, controls } from "./controls.js"
import { byId, mount, write } from "./dom.js"
import { duration } from "./format.js"
import { MIMIC, mimic } from "./mimic.js"
import { READINGS, readings } from "./readings.js"
import { stream } from "./stream.js"
import { STRIPS, strips } from "./strips.js"
import css from "./style.css"
import { followTheme } from "./theme.js"
import uplotCss from "uplot/dist/uPlot.min.css"
import { view } from "./view.js"

const READING_INTERVAL = 200

const HTML = `
<div class="sheet">
  <div class="banner missing" data-testid="missing" role="alert" hidden></div>
  ${UNSOURCED}
  ${CONTROLS}
  ${VERDICT}
  ${READINGS}
  <div class="stage">${MIMIC}${STRIPS}</div>
  ${BALANCE}
</div>`

export function render({ model, el }) {
  const root = mount(el, HTML, uplotCss + css)
  const picture = mimic(root)
  const plots = strips(root)
  const rounds = [controls(root, model), readings(root), balance(root), () => plots.legend(), () => picture.label(), () => missing(root)]
  followTheme(root, () => {
    picture.restyle()
    plots.restyle()
  })
  let due = 0
  stream.painters.add((now, fresh) => {
    picture.paint(now, fresh)
    if (fresh) plots.draw()
    if (now < due) return
    due = now + READING_INTERVAL
    for (const round of rounds) round()
  })
  // While nothing is drawn (a hidden tab) nothing is read either.
  stream.on((kind) => kind === "hello" && plots.restyle())
  document.addEventListener("keydown", keys)
}

function keys(event) {
  const typing = event.composedPath().some((element) => /^(INPUT|SELECT|TEXTAREA|BUTTON|SUMMARY)$/.test(element.tagName ?? ""))
  if (event.key !== " " || typing || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  view.set({ frozen: !view.frozen })
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
    if (silent.some(({ node }) => node !== "gateway")) reasons.push("Values shown are old and greyed.")
  }
  if (stream.connected && stream.note?.module?.catching_up) reasons.push(`physics ${stream.note.module.name} is catching up with the clock.`)
  banner.hidden = !reasons.length
  write(banner, reasons.join(" "))
}

// What all pages have in common: navigation, the count of alarms, run controls, emergency stop and notices.
//
// One loop draws everything that moves. One slower round writes everything that is read: nobody reads a number that changes
// sixty times a second, and each of them would have the page laid out again.

import uplotCss from "uplot/dist/uPlot.min.css"

import pagesCss from "../css/pages.css"
import css from "../css/style.css"
import { backfill } from "../stream/backfill.js"
import { Commands } from "../stream/commands.js"
import { stream } from "../stream/stream.js"
import { CONFIRM, confirmation } from "../widgets/confirm.js"
import { flag, mount, query, write } from "../widgets/dom.js"
import { emergencyStop, RESET_DIALOG, STOPS } from "../widgets/emergency_stop.js"
import { NOTICES, notices } from "../widgets/notices.js"
import { fields } from "../widgets/parameter_form.js"
import { CONTROLS, controls } from "../widgets/run_controls.js"
import { followTheme } from "../widgets/theme.js"
import { toggleFreeze } from "../widgets/timebar.js"
import { NAVIGATION, Router, SHEETS } from "./router.js"

const READING_INTERVAL = 200 // milliseconds
const TAKES_KEYS = /^(INPUT|SELECT|TEXTAREA|BUTTON|SUMMARY|A)$/

const HTML = `
<div class="sheet">
  <div class="topbar">
    ${NAVIGATION}
    ${STOPS}
  </div>
  ${CONTROLS}
  ${SHEETS}
  ${RESET_DIALOG}
  ${CONFIRM}${NOTICES}
</div>`

/** @param {{ model: ui.Model, el: HTMLElement }} view */
export function render({ model, el }) {
  const root = mount(el, HTML, uplotCss + css + pagesCss)
  const commands = new Commands(model)
  const router = new Router(root)
  // Before anything is drawn, because colours come with the theme.
  followTheme(root, () => router.page?.restyle?.())
  const confirm = confirmation(root)
  router.begin({ commands, confirm, fields: fields(commands) })
  const always = [
    controls(root, commands, confirm),
    notices(root),
    emergencyStop(root, commands),
    () => badge(root),
    backfill(stream, commands),
  ]
  let due = 0
  stream.painters.add((now, fresh) => {
    const { page } = router
    page?.paint?.(now, fresh)
    if (fresh) page?.draw?.()
    if (now < due) return
    due = now + READING_INTERVAL
    flag(root, "freshness", stream.connected ? stream.freshness() : "missing")
    for (const round of always) round()
    page?.round()
  })
  // The channels, and with them the plots, are known from the first hello on.
  stream.on((kind) => kind === "hello" && router.page?.restyle?.())
  document.addEventListener("keydown", keys)
  // A button that keeps the focus after a click would take the space bar, which freezes the view, and be pressed by it again.
  // `detail` is 0 for a press of a key: whoever uses the keyboard keeps the focus.
  root.addEventListener("click", ({ target, detail }) => {
    const pressed = detail > 0 && target instanceof Element ? target.closest("button, a, summary") : null
    if (pressed instanceof HTMLElement) pressed.blur()
  })
}

/**
 * The space bar freezes the view, except where it has a meaning of its own.
 * @param {KeyboardEvent} event
 */
function keys(event) {
  const typing = event.composedPath().some((each) => each instanceof Element && TAKES_KEYS.test(each.tagName))
  if (event.key !== " " || typing || event.ctrlKey || event.metaKey || event.altKey) return
  event.preventDefault()
  toggleFreeze()
}

/**
 * Shows how many alarms wait for acknowledgement beside the link to their page.
 * @param {HTMLElement} root
 */
function badge(root) {
  const waiting = stream.alarms.alarms.filter(({ state }) => state !== "acknowledged").length
  const element = query(root, '[data-page="alarms"] .badge')
  element.hidden = !waiting
  write(element, waiting > 99 ? "99+" : String(waiting))
}

// Which page is open: the one that the address names. All pages are made at once and stay in the document, so that opening
// one takes no time and loses nothing that was typed; a page that is not open is not drawn and costs nothing.

import { stream } from "../stream/stream.js"
import { view } from "../stream/view_state.js"
import { query, queryAll } from "../widgets/dom.js"
import * as alarms from "./alarms.js"
import * as control from "./control.js"
import * as drivetrain from "./drivetrain.js"
import * as energy from "./energy.js"
import * as floaters from "./floaters.js"
import * as history from "./history.js"
import * as hypotheses from "./hypotheses.js"
import * as notFound from "./not_found.js"
import * as overview from "./overview.js"
import * as parameters from "./parameters.js"
import * as pneumatics from "./pneumatics.js"
import * as runs from "./runs.js"
import * as system from "./system.js"

const NOT_FOUND = "unknown"
const CONNECTING = 600 // milliseconds that the session's own connection may take; without it a page's questions get no answer

/** @typedef {{ id: string, title: string, page: ui.PageModule }} Route */

/** @type {Route[]} */
const PAGES = [
  { id: "overview", title: "Overview", page: overview },
  { id: "energy", title: "Energy", page: energy },
  { id: "floaters", title: "Floaters", page: floaters },
  { id: "drivetrain", title: "Drivetrain", page: drivetrain },
  { id: "pneumatics", title: "Pneumatics", page: pneumatics },
  { id: "control", title: "Control", page: control },
  { id: "hypotheses", title: "Hypotheses", page: hypotheses },
  { id: "parameters", title: "Parameters", page: parameters },
  { id: "alarms", title: "Alarms", page: alarms },
  { id: "history", title: "History", page: history },
  { id: "runs", title: "Runs", page: runs },
  { id: "system", title: "System", page: system },
]
const EVERY = [...PAGES, { id: NOT_FOUND, title: "no such page", page: notFound }]

/** @param {Route} route */
const link = ({ id, title }) =>
  `<a data-page="${id}" data-testid="nav-${id}" href="#page=${id}">${title}<span class="badge" hidden></span></a>`
/** @param {Route} route */
const sheet = ({ id, title, page }) =>
  `<div class="page" data-sheet="${id}" data-testid="page-${id}" role="region" aria-label="${title}" hidden>${page.HTML}</div>`

export const NAVIGATION = `<nav aria-label="pages">${PAGES.map(link).join("")}</nav>`
export const SHEETS = EVERY.map(sheet).join("")

export class Router {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root
    /** @type {Map<string, ui.OpenPage>} */
    this.pages = new Map()
    this.open = ""
    /** @type {ui.OpenPage | null} The one that is open. */
    this.page = null
  }

  /**
   * Starts every page and, from now on, opens the one that the address names.
   * @param {ui.Tools} tools
   */
  begin(tools) {
    for (const { id, page } of EVERY) this.pages.set(id, page.start(query(this.root, `[data-sheet="${id}"]`), tools))
    view.listeners.add(() => this.follow())
    this.follow()
  }

  follow() {
    const wanted = this.pages.has(view.page) ? view.page : NOT_FOUND
    for (const link of queryAll(this.root, "nav a", HTMLAnchorElement)) {
      link.href = view.link(link.dataset.page ?? "", link.dataset.page === "history" ? {} : { channels: [], run: "" })
      if (link.dataset.page === wanted) link.setAttribute("aria-current", "page")
      else link.removeAttribute("aria-current")
    }
    if (wanted === this.open) return
    this.open = wanted
    this.showLink()
    for (const sheet of queryAll(this.root, "[data-sheet]")) sheet.hidden = sheet.dataset.sheet !== wanted
    const page = this.pages.get(wanted)
    this.page = page ?? null
    globalThis.__kpp.page = wanted
    setTimeout(() => this.open === wanted && page?.shown?.(), stream.hello ? 0 : CONNECTING)
    page?.resize?.()
  }

  // On a phone the row of links is wider than the screen: the link of the open page is brought to the middle.
  showLink() {
    const nav = query(this.root, "nav")
    const here = nav.querySelector('[aria-current="page"]')
    if (here instanceof HTMLElement)
      nav.scrollLeft = here.offsetLeft - nav.offsetLeft - (nav.clientWidth - here.offsetWidth) / 2
  }
}

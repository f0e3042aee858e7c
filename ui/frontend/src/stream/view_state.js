// What this page looks at. Page, window, hidden lines, channels and run are kept in the address, so that a link or a reload
// shows the same. A moment of the past is not: a link shows the present.

import { stream } from "./stream.js"

export const WINDOWS = [10, 30, 60, 300] // seconds
const DEFAULT_WINDOW = 60

export const FIRST_PAGE = "overview"

/**
 * The part of the view that is kept in the address.
 * @typedef {{ page: string, window: number, hidden: Set<string>, channels: string[], run: string }} Address
 */
/**
 * The part that is not.
 * @typedef {Pick<View, "frozen" | "zoom" | "at" | "held">} Looking
 */

class View {
  constructor() {
    this.frozen = false
    /** @type {ui.Range | null} */
    this.zoom = null
    /** @type {number | null} */
    this.at = null // end of the window while it is held in the past
    /** @type {{ at: number | null, frame: ui.Frame } | null} The newest frame when the view was frozen in the present. */
    this.held = null
    /** @type {Set<() => void>} */
    this.listeners = new Set()
    this.page = FIRST_PAGE
    this.window = DEFAULT_WINDOW
    /** @type {Set<string>} */
    this.hidden = new Set()
    /** @type {string[]} */
    this.channels = []
    this.run = ""
    this.of = 0
    this.read()
    stream.painters.add(() => this.enter())
    addEventListener("hashchange", () => {
      this.read()
      this.tell()
    })
  }

  read() {
    const hash = new URLSearchParams(location.hash.slice(1))
    const asked = Number(hash.get("window"))
    this.page = hash.get("page") || FIRST_PAGE
    this.window = WINDOWS.includes(asked) ? asked : DEFAULT_WINDOW
    this.hidden = new Set((hash.get("hide") ?? "").split(",").filter(Boolean))
    this.channels = (hash.get("channels") ?? "").split(",").filter(Boolean)
    this.run = hash.get("run") ?? ""
  }

  /** @returns {Address} */
  get address() {
    const { page, window, hidden, channels, run } = this
    return { page, window, hidden, channels, run }
  }

  /**
   * The address of another page with the same view.
   * @param {string} page
   * @param {Partial<Address>} [more]
   */
  link(page, more = {}) {
    return `#${this.hash({ page, ...more })}`
  }

  /** @param {Partial<Address>} [change] */
  hash(change = {}) {
    const { page, window, hidden, channels, run } = { ...this.address, ...change }
    const hash = new URLSearchParams()
    if (page !== FIRST_PAGE) hash.set("page", page)
    hash.set("window", String(window))
    if (hidden.size) hash.set("hide", [...hidden].join(","))
    if (channels.length) hash.set("channels", channels.join(","))
    if (run) hash.set("run", run)
    return hash
  }

  /** @param {Partial<Address & Looking>} change */
  set(change) {
    Object.assign(this, change)
    // Replaced and not pushed: "back" leads to the page before, and not through every step of a slider.
    history.replaceState(null, "", `#${this.hash()}`)
    this.tell()
  }

  tell() {
    for (const listener of this.listeners) listener()
  }

  // When another run begins, the view returns to the present: what was held is of the run before.
  enter() {
    const { run } = stream.frame ?? { run: this.of }
    if (run === this.of) return
    this.of = run
    if (!this.live) this.set({ frozen: false, zoom: null, at: null, held: null })
  }

  get live() {
    return !this.frozen && !this.zoom && this.at === null
  }

  // The frame that was newest when the view was frozen, as long as the view is still at that moment; else null.
  get frozenFrame() {
    return this.frozen && !this.zoom && this.held && this.held.at === this.at ? this.held.frame : null
  }

  // The range of simulated time that the plots show. Right after the start of a run it is not empty, which no axis could show.
  /** @returns {ui.Range} */
  range() {
    const end = this.at ?? stream.series?.last ?? 0
    return this.zoom ?? [Math.max(0, end - this.window), Math.max(end, this.window * 0.001)]
  }
}

export const view = new View()

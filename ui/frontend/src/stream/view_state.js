// What this page looks at: window, zoom, hidden lines. Kept in the address, so that a link or a reload shows the same.
// What is looked at of the past is not: a link shows the present.

import { stream } from "./stream.js"

export const WINDOWS = [10, 30, 60, 300]

export const FIRST_PAGE = "overview"

class View {
  constructor() {
    this.frozen = false
    this.zoom = null
    this.at = null // end of the window while it is held in the past
    this.held = null // {at, frame}: the newest frame when the view was frozen in the present
    this.listeners = new Set()
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
    this.window = WINDOWS.includes(asked) ? asked : 60
    this.hidden = new Set((hash.get("hide") ?? "").split(",").filter(Boolean))
    this.channels = (hash.get("channels") ?? "").split(",").filter(Boolean)
    this.run = hash.get("run") ?? ""
  }

  // The address of another page with the same view.
  link(page, more = {}) {
    return `#${this.hash({ page, ...more })}`
  }

  hash(change = {}) {
    const { page, window, hidden, channels, run } = {
      page: this.page,
      window: this.window,
      hidden: this.hidden,
      channels: this.channels,
      run: this.run,
      ...change,
    }
    const hash = new URLSearchParams()
    if (page !== FIRST_PAGE) hash.set("page", page)
    hash.set("window", window)
    if (hidden.size) hash.set("hide", [...hidden].join(","))
    if (channels.length) hash.set("channels", channels.join(","))
    if (run) hash.set("run", run)
    return hash
  }

  set(change) {
    Object.assign(this, change)
    history.replaceState(null, "", `#${this.hash()}`)
    this.tell()
  }

  tell() {
    for (const listener of this.listeners) listener()
  }

  // Another run has begun: there is nothing left of what was held.
  enter() {
    const { run } = stream.frame ?? { run: this.of }
    if (run === this.of) return
    this.of = run
    if (!this.live) this.set({ frozen: false, zoom: null, at: null, held: null })
  }

  get live() {
    return !this.frozen && !this.zoom && this.at === null
  }

  // The frame that was newest when the view was frozen, while it is that moment which is looked at.
  get frozenFrame() {
    return this.frozen && !this.zoom && this.held && this.held.at === this.at ? this.held.frame : null
  }

  // The stretch of simulated time that the plots show: no run has a time below 0.
  range() {
    const end = this.at ?? stream.series?.last ?? 0
    return this.zoom ?? [Math.max(0, end - this.window), Math.max(end, this.window * 0.001)]
  }
}

export const view = new View()

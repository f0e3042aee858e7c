// What this page looks at: window, zoom, hidden lines. Kept in the address, so that a link or a reload shows the same.

export const WINDOWS = [10, 30, 60, 300]

export const FIRST_PAGE = "overview"

class View {
  constructor() {
    this.frozen = false
    this.zoom = null
    this.listeners = new Set()
    this.read()
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
    const { page, window, hidden, channels, run } = { page: this.page, window: this.window, hidden: this.hidden, channels: this.channels, run: this.run, ...change }
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

  get live() {
    return !this.frozen && !this.zoom
  }
}

export const view = new View()

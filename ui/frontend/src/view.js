// What this page looks at: window, zoom, hidden lines. Kept in the address, so that a link or a reload shows the same.

export const WINDOWS = [10, 30, 60, 300]

class View {
  constructor() {
    const hash = new URLSearchParams(location.hash.slice(1))
    const asked = Number(hash.get("window"))
    this.window = WINDOWS.includes(asked) ? asked : 60
    this.hidden = new Set((hash.get("hide") ?? "").split(",").filter(Boolean))
    this.frozen = false
    this.zoom = null
    this.listeners = new Set()
  }

  set(change) {
    Object.assign(this, change)
    const hash = new URLSearchParams()
    hash.set("window", this.window)
    if (this.hidden.size) hash.set("hide", [...this.hidden].join(","))
    history.replaceState(null, "", `#${hash}`)
    for (const listener of this.listeners) listener()
  }

  get live() {
    return !this.frozen && !this.zoom
  }
}

export const view = new View()

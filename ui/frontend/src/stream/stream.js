// The page's one connection to the server's stream, shared by all components of the bundle.
//
// It is the page's watchdog as well: a server that was restarted has forgotten this page's session, so the page loads again.

import { unitText } from "../format.js"
import { LAYOUT, unpack } from "./frame.js"
import { Series } from "./series.js"

export const STALE_AFTER = 1 // seconds of silence after which values are shown as stale
const LOST_AFTER = 5 // seconds of silence after which they are not shown any more
const RETRY = 400 // milliseconds between two attempts to connect
const LATENCIES = 400 // newest latencies that are kept
const COMMANDS = 50 // newest commands that are kept

export class Stream {
  constructor() {
    /** @type {ui.Hello | null} */
    this.hello = null
    /** @type {ui.Note | null} */
    this.note = null
    /** @type {ui.Geometry | null} */
    this.geometry = null
    /** @type {ui.Frame | null} */
    this.frame = null
    /** @type {Series | null} */
    this.series = null
    /** @type {Map<string, ui.Command>} */
    this.commands = new Map()
    /** @type {Map<string, ui.Channel>} */
    this.readings = new Map()
    /** @type {ui.Alarms} Alarms and events that concern the shown module. */
    this.alarms = { type: "alarms", alarms: [], events: [] }
    /** Alarms and events of all modules. */
    this.everywhere = this.alarms
    this.connected = false
    this.received = 0
    this.acknowledged = 0
    this.arrived = 0
    this.rate = 0
    /** @type {number[]} */
    this.recent = []
    /** @type {number[]} */
    this.latency = []
    this.fresh = false
    /** @type {Set<(kind: ui.StreamEvent) => void>} */
    this.listeners = new Set()
    /** @type {Set<(now: number, fresh: boolean) => void>} */
    this.painters = new Set()
    /** @type {WebSocket | null} */
    this.socket = null
    this.opened = performance.now()
    this.connect()
    // A hidden page is not painted, so it acknowledges nothing: the server is told, and sends it nothing meanwhile.
    document.addEventListener("visibilitychange", () => this.say(document.hidden ? "hide" : "show"))
    /** @param {number} now */
    const paint = (now) => {
      requestAnimationFrame(paint) // first, so that an error in one frame does not stop the page for good
      this.paint(now)
    }
    requestAnimationFrame(paint)
    this.watchDocument()
  }

  connect() {
    const address = new URL("stream", document.baseURI)
    address.protocol = address.protocol.replace("http", "ws")
    const module = new URLSearchParams(location.search).get("module")
    address.search = module === null ? "" : `${new URLSearchParams({ module })}`
    address.hash = ""
    const socket = new WebSocket(address)
    this.socket = socket
    socket.binaryType = "arraybuffer"
    socket.onopen = () => {
      this.connected = true
      this.received = this.acknowledged = 0 // the server counts frames for each connection
      if (document.hidden) this.say("hide") // the event came before there was a connection
    }
    socket.onmessage = ({ data }) => (typeof data === "string" ? this.told(JSON.parse(data)) : this.drawn(data))
    socket.onclose = () => {
      this.connected = false
      setTimeout(() => this.connect(), RETRY)
    }
  }

  /** @param {string} text */
  say(text) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(text)
  }

  /** @param {ui.StreamMessage} message */
  told(message) {
    if (message.type === "hello") this.meet(message)
    else if (message.type === "note") this.note = message
    else if (message.type === "geometry") this.geometry = message.parameters ? message : null
    else if (message.type === "alarms") this.alarmed(message)
    else if (message.type === "command") this.commandNews(message)
    this.emit(message.type)
  }

  /**
   * Keeps the alarms of all modules, and apart those that concern the shown one: its own, and those of no module.
   * @param {ui.Alarms} message
   */
  alarmed(message) {
    const { modules, module: shown } = this.hello ?? { modules: [], module: null }
    const others = modules.filter((each) => each !== shown)
    /**
     * @template {{ module: string }} T
     * @param {T[]} list
     */
    const here = (list) => list.filter(({ module }) => !others.includes(module))
    this.everywhere = message
    this.alarms = { ...message, alarms: here(message.alarms), events: here(message.events) }
  }

  /** @param {ui.Hello} hello */
  meet(hello) {
    // Another server than before, or one whose frames this script cannot read: both are mended by loading the page again.
    if (hello.layout !== LAYOUT || (this.hello && this.hello.boot !== hello.boot)) {
      location.reload()
      return
    }
    this.hello = hello
    this.series ??= new Series(hello.series)
    this.readings = new Map(
      [...hello.series, ...hello.readings].map((channel, i) => [
        channel.path,
        { ...channel, unit: unitText(channel.unit), i },
      ]),
    )
  }

  /** @param {ui.Command} news */
  commandNews(news) {
    const known = this.commands.get(news.id)
    this.commands.delete(news.id) // a Map keeps the order of insertion: the newest news come last
    // News of a result that came without its command do not say what was asked for.
    const args = Object.keys(news.args).length ? news.args : (known?.args ?? {})
    this.commands.set(news.id, { ...known, ...news, args })
    for (const oldest of [...this.commands.keys()].slice(0, -COMMANDS)) this.commands.delete(oldest)
    this.emit("commands")
  }

  /** @param {ArrayBuffer} buffer */
  drawn(buffer) {
    const now = performance.now()
    this.frame = unpack(buffer)
    this.arrived = now
    this.received++
    this.fresh = true // drawn at the next frame of the display, and only once if several have come by then
    this.recent.push(now)
    this.series?.append(this.frame)
  }

  /**
   * Draws everything that moves, once for each frame of the display.
   * @param {number} now
   */
  paint(now) {
    while (this.recent.length && this.recent[0] < now - 2000) this.recent.shift()
    this.rate = this.recent.length / 2
    const fresh = this.fresh
    this.fresh = false
    for (const painter of this.painters) painter(now, fresh)
    if (!fresh || !this.frame) return
    if (this.frame.stateAge < STALE_AFTER) {
      this.latency.push(Date.now() / 1000 - this.frame.stateWall)
      if (this.latency.length > LATENCIES) this.latency.shift()
    }
    // After drawing and not on arrival: a page that cannot draw fast enough is to get fewer frames, not a queue of them.
    if (this.received !== this.acknowledged) {
      this.acknowledged = this.received
      this.say(`ack ${this.received}`)
    }
  }

  /** @param {(kind: ui.StreamEvent) => void} listener */
  on(listener) {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** @param {ui.StreamEvent} kind */
  emit(kind) {
    for (const listener of this.listeners) listener(kind)
  }

  // Seconds since the plant's newest state was heard; null before the first. The server gives its age, as clocks of two
  // machines cannot be compared; the time since then is measured here.
  age() {
    if (!this.frame || Number.isNaN(this.frame.stateAge)) return null
    return this.frame.stateAge + (performance.now() - this.arrived) / 1000
  }

  clockAge() {
    if (!this.frame || Number.isNaN(this.frame.clockAge)) return null
    return this.frame.clockAge + (performance.now() - this.arrived) / 1000
  }

  // The run by the name that the recorder knows: a replay's own name is another one.
  recordedRun() {
    const clock = this.note?.clock
    return clock?.replay || clock?.run || ""
  }

  // "live", "stale" or "missing". Without ticks of the clock no state is current, however recently one was heard.
  freshness() {
    const age = this.age()
    if (age === null || age >= LOST_AFTER) return "missing"
    return age >= STALE_AFTER || !this.clockLive() ? "stale" : "live"
  }

  clockLive() {
    const age = this.clockAge()
    return this.connected && age !== null && age < STALE_AFTER
  }

  /** Name of the shown module. Throws if there is none, as nothing can be asked of it then. */
  shownModule() {
    if (!this.hello?.module) throw new Error("no module is shown")
    return this.hello.module
  }

  // State of the shown module's controller; null while nothing is heard of it.
  plc() {
    return this.freshness() === "missing" ? null : (this.note?.module?.plc ?? null)
  }

  // Whether the lap means describe one operating point: laps that are alike, without the start and without a command in them.
  settled() {
    return this.freshness() !== "missing" && Boolean(this.note?.module?.settled)
  }

  /**
   * The newest value of a channel in the unit that people read; null if it does not exist or is too old to be shown.
   * @param {string} path
   */
  value(path) {
    const channel = this.readings.get(path)
    if (!channel || !this.frame || this.freshness() === "missing") return null
    return this.read(this.frame, path)
  }

  /**
   * A channel of a frame, in the unit that people read.
   * @param {ui.Frame} frame
   * @param {string} path
   */
  read(frame, path) {
    const channel = this.readings.get(path)
    if (!channel || !frame.newest.length) return null
    const value = frame.newest[channel.i]
    return Number.isNaN(value) ? null : value * channel.factor + channel.offset
  }

  /** @param {string} path */
  channel(path) {
    return this.readings.get(path)
  }

  // The session's own connection may break while the stream does not. Without it no command gets through, so the page loads
  // again as soon as the server answers; before that a reload would only show the browser's error page.
  watchDocument() {
    const documents = globalThis.Bokeh?.documents ?? []
    for (const bokehDocument of documents) {
      bokehDocument.on_event("connection_lost", () => this.reloadWhenAlive())
    }
  }

  async reloadWhenAlive() {
    for (;;) {
      const answer = await fetch(new URL("liveness", document.baseURI), { cache: "no-store" }).catch(() => null)
      if (answer?.ok) {
        location.reload()
        return
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY))
    }
  }
}

export const stream = new Stream()

// For tests, and for anybody who wants to see in the browser's console how the page is doing.
globalThis.__kpp = {
  get frames() {
    return stream.received
  },
  get seq() {
    return stream.frame?.number ?? 0
  },
  get t() {
    return stream.frame?.t ?? null
  },
  get run() {
    return stream.frame?.run ?? 0
  },
  get samples() {
    return stream.series?.length ?? 0
  },
  get state() {
    return stream.freshness()
  },
  get rate() {
    return stream.rate
  },
  get age() {
    return stream.age()
  },
  times() {
    return stream.series ? [...stream.series.t.subarray(0, stream.series.length)] : []
  },
  recorded: () => stream.recordedRun(),
  get latency() {
    return [...stream.latency]
  },
  mimic: { drawn: 0, travelled: 0 },
  plots: { drawn: 0 },
}

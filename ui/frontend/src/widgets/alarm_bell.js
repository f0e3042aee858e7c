// The sound of a new alarm.

import { stream } from "../stream/stream.js"

const TONE = { frequency: 880, seconds: 0.6, rate: 16_000, level: 0.12 }

// A short tone for every new alarm, if the user has ticked the box. It is a file that the browser plays by itself: opening an
// AudioContext would block the page, and its emergency stop with it, until an audio device has been found.
class Bell {
  constructor() {
    this.on = false
    /** @type {HTMLAudioElement | null} */
    this.sound = null
    /** @type {Set<string>} */
    this.heard = new Set()
    this.rung = 0
    stream.on((kind) => kind === "alarms" && this.listen())
  }

  /** @param {boolean} on */
  enable(on) {
    this.on = on
    if (on) this.sound ??= new Audio(URL.createObjectURL(tone(TONE)))
  }

  // By id and tick: an alarm that comes back is new, and rings again.
  listen() {
    const waiting = stream.everywhere.alarms
      .filter(({ state }) => state === "unacknowledged")
      .map(({ id, raised_seq }) => `${id} ${raised_seq}`)
    const fresh = waiting.some((key) => !this.heard.has(key))
    this.heard = new Set(waiting)
    if (fresh && this.on) this.ring()
  }

  // A browser may refuse to play, as before the user has touched the page: then the box is unticked, so as not to promise a
  // sound that will not come.
  async ring() {
    if (!this.sound) return
    this.sound.currentTime = 0
    try {
      await this.sound.play()
      this.rung++
    } catch {
      this.on = false
    }
  }
}

/**
 * A fading tone with 16 bits and one channel, as a WAV file in memory: the header's numbers by offset, value and bytes.
 * @param {typeof TONE} tone
 */
function tone({ frequency, seconds, rate, level }) {
  const count = Math.round(seconds * rate)
  const file = new DataView(new ArrayBuffer(44 + 2 * count))
  /**
   * @param {number} at
   * @param {string} letters
   */
  const text = (at, letters) => [...letters].forEach((letter, i) => file.setUint8(at + i, letter.charCodeAt(0)))
  text(0, "RIFF")
  file.setUint32(4, 36 + 2 * count, true)
  text(8, "WAVEfmt ")
  const format = [
    [16, 16, 4],
    [20, 1, 2],
    [22, 1, 2],
    [24, rate, 4],
    [28, 2 * rate, 4],
    [32, 2, 2],
    [34, 16, 2],
    [40, 2 * count, 4],
  ]
  for (const [at, value, bytes] of format)
    bytes === 4 ? file.setUint32(at, value, true) : file.setUint16(at, value, true)
  text(36, "data")
  for (let i = 0; i < count; i++) {
    const t = i / rate
    file.setInt16(
      44 + 2 * i,
      32767 * level * Math.exp((-5 * t) / seconds) * Math.sin(2 * Math.PI * frequency * t),
      true,
    )
  }
  return new Blob([file.buffer], { type: "audio/wav" })
}

export const bell = new Bell()
globalThis.__kpp.rung = () => bell.rung

// What is plotted, in linear typed arrays and not in a ring: any range is a view of them, so that drawing copies nothing. When
// they are full, the newer half is moved to the front.

const KEEP = 16384 // samples that are kept at least; there is room for twice as many

export class Series {
  /** @param {ui.ChannelDeclaration[]} channels */
  constructor(channels) {
    this.channels = channels
    this.index = new Map(channels.map((channel, i) => [channel.path, i]))
    this.t = new Float64Array(2 * KEEP)
    this.columns = channels.map(() => new Float64Array(2 * KEEP))
    this.length = 0
    this.run = 0
    this.heard = 0 // simulated time from which on the samples are the page's own; before it they are the recorder's bins
  }

  /** @param {ui.Frame} frame */
  append(frame) {
    if (frame.run !== this.run) {
      this.run = frame.run
      this.length = 0
    }
    if (!this.length && frame.count) this.heard = frame.times[0]
    for (let row = 0; row < frame.count; row++) {
      // After a reconnect the server sends all that it keeps of the run. Simulated time tells which of it is new.
      if (this.length && frame.times[row] <= this.t[this.length - 1]) continue
      if (this.length === 2 * KEEP) this.compact()
      this.t[this.length] = frame.times[row]
      this.columns.forEach((column, i) => {
        const { factor, offset } = this.channels[i]
        column[this.length] = frame.values[row * frame.width + i] * factor + offset
      })
      this.length++
    }
  }

  compact() {
    for (const array of [this.t, ...this.columns]) array.copyWithin(0, KEEP, 2 * KEEP)
    this.length = KEEP
    this.heard = Math.max(this.heard, this.t[0])
  }

  /**
   * Puts what the recorder has in front of the page's own samples: times, and a column for each channel in the page's units.
   * @param {number[]} t
   * @param {number[][]} columns
   */
  prepend(t, columns) {
    const count = t.findIndex((time) => time >= this.t[0])
    const more = Math.min(count < 0 ? t.length : count, KEEP, 2 * KEEP - this.length)
    const from = (count < 0 ? t.length : count) - more
    if (more <= 0) return
    /**
     * @param {Float64Array} array
     * @param {number[]} values
     */
    const put = (array, values) => {
      array.copyWithin(more, 0, this.length)
      for (let row = 0; row < more; row++) array[row] = values[from + row] ?? NaN
    }
    put(this.t, t)
    this.columns.forEach((column, i) => put(column, columns[i]))
    this.length += more
  }

  /** @param {string} path */
  column(path) {
    const place = this.index.get(path)
    if (place === undefined) throw new Error(`${path} is not plotted`)
    return this.columns[place]
  }

  get last() {
    return this.length ? this.t[this.length - 1] : 0
  }

  /**
   * The row at or before a time, found by bisection; 0 if all are later.
   * @param {number} time
   */
  rowAt(time) {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.t[middle] <= time) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /**
   * [t, column...] from one row before `from` to one after `to`, so that lines reach the edges of the plot.
   * @param {string[]} paths
   * @param {number} from
   * @param {number} to
   */
  window(paths, from, to) {
    const start = this.rowAt(from)
    const end = Math.min(this.length, this.rowAt(to) + 2)
    return [this.t.subarray(start, end), ...paths.map((path) => this.column(path).subarray(start, end))]
  }
}

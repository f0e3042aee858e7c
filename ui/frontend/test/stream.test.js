import assert from "node:assert/strict"
import { test } from "node:test"

import { backfill } from "../src/stream/backfill.js"
import { describe, outcome } from "../src/stream/command_text.js"
import { LAYOUT, unpack } from "../src/stream/frame.js"
import { Series } from "../src/stream/series.js"

const CHANNELS = [
  { path: "grid.net_power", factor: 1e-3, offset: 0 },
  { path: "receiver.temperature", factor: 1, offset: -273.15 },
]
const KEEP = 16_384

// A frame with these times, of which the values are 1000 times and 300 more than the time.
const frame = (run, times) => ({
  run,
  count: times.length,
  width: 2,
  times: Float64Array.from(times),
  values: Float32Array.from(times.flatMap((t) => [1000 * t, 300 + t])),
})
const shown = (series) => [...series.t.subarray(0, series.length)]

test("samples are kept in the units of the page", () => {
  const series = new Series(CHANNELS)
  series.append(frame(1, [1, 2]))
  const [t, power, temperature] = series.window(["grid.net_power", "receiver.temperature"], 0, 5)
  assert.deepEqual([...t], [1, 2])
  assert.deepEqual([...power], [1, 2])
  assert.ok(Math.abs(temperature[0] - 27.85) < 1e-4)
})

test("another run begins anew, and what was sent twice is kept once", () => {
  const series = new Series(CHANNELS)
  series.append(frame(1, [1, 2, 3]))
  series.append(frame(1, [2, 3, 4]))
  assert.deepEqual(shown(series), [1, 2, 3, 4])
  series.append(frame(2, [0.5]))
  assert.deepEqual(shown(series), [0.5])
  assert.equal(series.heard, 0.5)
})

test("a window begins one row before its start and ends one after its end", () => {
  const series = new Series(CHANNELS)
  series.append(frame(1, [1, 2, 3, 4, 5]))
  assert.deepEqual([...series.window(["grid.net_power"], 2.5, 3.5)[0]], [2, 3, 4])
  assert.deepEqual([...series.window(["grid.net_power"], 9, 10)[0]], [5])
  assert.throws(() => series.window(["chain.speed"], 0, 1), /chain\.speed is not plotted/)
})

test("the older half makes room when the arrays are full", () => {
  const series = new Series(CHANNELS)
  series.append(
    frame(
      1,
      Array.from({ length: 2 * KEEP + 1 }, (_, i) => i),
    ),
  )
  assert.equal(series.length, KEEP + 1)
  assert.equal(series.t[0], KEEP)
  assert.equal(series.last, 2 * KEEP)
  assert.equal(series.heard, KEEP)
})

test("what came before goes in front, without what the page has itself", () => {
  const series = new Series(CHANNELS)
  series.append(frame(1, [10, 11]))
  series.prepend(
    [7, 8, 10, 11],
    [
      [70, 80, 0, 0],
      [1, 2, 0, 0],
    ],
  )
  assert.deepEqual(shown(series), [7, 8, 10, 11])
  assert.deepEqual([...series.columns[0].subarray(0, 4)], [70, 80, 10, 11])
  assert.equal(series.heard, 10)
  series.prepend([10], [[0], [0]])
  assert.equal(series.length, 4)
})

test("a display frame is read as it was packed, and one of another layout refused", () => {
  const bytes = new ArrayBuffer(56 + 8 + 2 * 4 + 3 * 4 + 4 * 4)
  const head = new DataView(bytes)
  head.setUint8(0, 0x4b)
  head.setUint8(1, LAYOUT)
  head.setUint16(2, 1, true) // one floater
  head.setUint32(4, 77, true)
  head.setFloat64(24, 12.5, true)
  head.setFloat32(32, NaN, true)
  head.setUint32(40, 3, true)
  head.setUint16(48, 1, true) // one sample of two values, three newest ones
  head.setUint16(50, 2, true)
  head.setUint16(52, 3, true)
  head.setFloat64(56, 12.45, true)
  head.setFloat32(64, 5, true)
  head.setFloat32(72, 6, true)
  head.setFloat32(bytes.byteLength - 4, 0.75, true)
  const read = unpack(bytes)
  assert.deepEqual([read.number, read.t, read.run, read.count, read.width], [77, 12.5, 3, 1, 2])
  assert.ok(Number.isNaN(read.stateAge))
  assert.deepEqual([...read.times], [12.45])
  assert.equal(read.values[0], 5)
  assert.equal(read.newest[0], 6)
  assert.deepEqual([read.position.length, read.fill[0]], [1, 0.75])
  head.setUint8(1, LAYOUT + 1)
  assert.throws(() => unpack(bytes), /another layout/)
})

test("commands and what became of them are told in words", () => {
  const command = (name, args = {}, module = "clock") => describe({ module, name, args })
  assert.equal(command("set_speed", { flat_out: true }), "Speed: as fast as possible")
  assert.equal(command("step", { ticks: 1 }), "Step 1 tick")
  assert.equal(command("emergency_stop", {}, "*"), "Emergency stop, all modules")
  assert.equal(command("set_parameters", { a: 1, b: 2, c: 3, d: 4 }, "m1"), "Set a = 1, b = 2, c = 3 and 1 more")
  assert.equal(outcome({ phase: "rejected", t: 2, reason: "trip in force" }), "rejected at 2.00 s: trip in force")
  assert.equal(outcome({ phase: "sequenced", seq: 9 }), "sequenced at tick 9 …")
  assert.equal(outcome({ phase: "unanswered", reason: "silence" }), "not answered: silence")
})

// A page that began to listen 100 s into a run, and a recorder that answers as told.
function latePage(answer) {
  const series = new Series(CHANNELS)
  series.append(frame(1, [100, 101]))
  const asked = []
  const commands = {
    ask: async (ask, args) => {
      asked.push(args)
      return answer(args)
    },
  }
  return { series, asked, round: backfill({ series, recordedRun: () => "run-1" }, commands) }
}
const recorded = ({ channels }) => ({ t: [98, 99], channels: channels.map(() => ({ mean: [1000, null] })) })

test("the time before a page is asked for once, and put in front of its samples", async () => {
  const { series, asked, round } = latePage(recorded)
  await round()
  await round()
  assert.equal(asked.length, 1)
  assert.deepEqual([asked[0].run, asked[0].start, asked[0].end], ["run-1", 0, 100])
  assert.deepEqual(shown(series), [98, 99, 100, 101])
  assert.equal(series.columns[0][0], 1)
  assert.ok(Number.isNaN(series.columns[0][1]))
})

test("a page that has heard the run from its start asks nothing", async () => {
  const { series, asked, round } = latePage(recorded)
  series.append(frame(2, [0.1, 0.2]))
  await round()
  assert.deepEqual(asked, [])
})

test("an answer for a run that is over is dropped", async () => {
  const { series, round } = latePage((args) => {
    series.append(frame(2, [5]))
    return recorded(args)
  })
  await round()
  assert.deepEqual(shown(series), [5])
})

test("a recorder that does not answer is not asked again at once", async () => {
  const { asked, round } = latePage(() => {
    throw new Error("no recorder")
  })
  await round()
  await round()
  assert.equal(asked.length, 1)
})

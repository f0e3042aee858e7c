import assert from "node:assert/strict"
import { test } from "node:test"

import {
  celsius,
  duration,
  fileSize,
  fixed,
  howToType,
  MISSING,
  moment,
  power10,
  spelt,
  tickTexts,
  typed,
  unitText,
} from "../src/format.js"

test("a number has fixed decimals, a true minus and no sign of a zero", () => {
  assert.equal(fixed(1.005, 1), "1.0")
  assert.equal(fixed(-2.5, 1), "−2.5")
  assert.equal(fixed(-0.04, 1), "0.0")
  assert.equal(fixed(-0.06, 1), "−0.1")
})

test("what does not exist is a dash", () => {
  for (const nothing of [null, undefined, NaN, Infinity]) {
    assert.equal(fixed(nothing, 1), MISSING)
    assert.equal(power10(nothing), MISSING)
    assert.equal(duration(nothing), MISSING)
    assert.equal(moment(nothing), MISSING)
    assert.equal(spelt(nothing), "")
  }
})

test("powers of ten keep sign and size", () => {
  assert.equal(power10(0), "0")
  assert.equal(power10(3.14e-13), "3.1 × 10⁻¹³")
  assert.equal(power10(-25_000), "−2.5 × 10⁴")
  assert.equal(power10(1), "1.0 × 10⁰")
})

test("durations grow coarser", () => {
  assert.equal(duration(9.94), "9.9 s")
  assert.equal(duration(10), "10 s")
  assert.equal(duration(119.4), "119 s")
  assert.equal(duration(125.9), "2 min 05 s")
})

test("a time is spelt out from a minute on", () => {
  assert.equal(spelt(59.9), "")
  assert.equal(spelt(3661), "1:01:01 h")
  assert.equal(spelt(100 * 3600), "100:00:00 h")
})

test("squares and cubes are raised in metres and seconds only", () => {
  assert.equal(unitText("m3/s"), "m³/s")
  assert.equal(unitText("m/s2"), "m/s²")
  assert.equal(unitText("kW"), "kW")
  assert.equal(unitText("H2"), "H2")
})

test("a decimal comma is no number, and the point is named", () => {
  assert.equal(typed(" 0.5 "), 0.5)
  assert.ok(Number.isNaN(typed("")))
  assert.ok(Number.isNaN(typed("0,5")))
  assert.equal(howToType("0,5"), "write a decimal point: 0.5")
  assert.equal(howToType("five"), "")
})

test("only temperatures of a sentence become °C", () => {
  assert.equal(celsius("below 273.15 K at 95 kN"), "below 0 °C at 95 kN")
  assert.equal(celsius("at 250 K"), "at −23.1 °C")
})

test("ticks have the decimals of their step, and gaps stay empty", () => {
  assert.deepEqual(tickTexts([0, 0.25, 0.5]), ["0", "0.25", "0.50"])
  assert.deepEqual(tickTexts([0, null, 20]), ["0", "", "20"])
  assert.deepEqual(tickTexts([2e6, 4e6]), ["2·10⁶", "4·10⁶"])
})

test("bytes are told in powers of 1000", () => {
  assert.equal(fileSize(999_400), "999.4 kB")
  assert.equal(fileSize(1e6), "1.0 MB")
  assert.equal(fileSize(2.5e9), "2.50 GB")
})

import assert from "node:assert/strict"
import { test } from "node:test"

import {
  built,
  different,
  fixedValue,
  kindText,
  unforkable,
  valueOf,
  valueText,
  wrong,
} from "../src/plant/parameters.js"
import { readAs } from "../src/plant/units.js"

const DEPTH = { name: "water_depth", unit: "m", minimum: 2, maximum: 100, choices: [], kind: "built", forkable: false }
const MODE = { name: "h1_mode", unit: "-", minimum: null, maximum: null, choices: ["off", "on"], kind: "setting" }

test("a value has to be a number between the limits", () => {
  assert.equal(wrong(DEPTH, "20"), "")
  assert.equal(wrong(DEPTH, "1.9"), "the lowest value allowed is 2 m")
  assert.equal(wrong(DEPTH, "101"), "the highest value allowed is 100 m")
  assert.equal(wrong(DEPTH, "deep"), "give a number in m")
  assert.equal(wrong(DEPTH, "2,5"), "write a decimal point: 2.5")
})

test("without a limit every number will do, also one below zero", () => {
  assert.equal(wrong({ ...DEPTH, minimum: null, maximum: null }, "-5"), "")
})

test("what is counted is whole", () => {
  assert.equal(wrong({ ...DEPTH, name: "pole_pairs", unit: "-" }, "2.5"), "give a whole number")
})

test("a choice is one of its words", () => {
  assert.equal(wrong(MODE, "on"), "")
  assert.equal(wrong(MODE, "maybe"), "choose one of off, on")
  assert.equal(valueOf(MODE, "on"), "on")
  assert.equal(valueOf(DEPTH, "20"), 20)
})

test("a value is typed without the last digits of its binary form", () => {
  assert.equal(valueText(0.1 + 0.2), "0.3")
  assert.equal(valueText("off"), "off")
})

test("what is built, and what no fork can change, is known by the declarations", () => {
  assert.deepEqual(built([DEPTH, MODE], ["h1_mode", "water_depth", "unheard_of"]), ["water_depth"])
  assert.deepEqual(
    unforkable([DEPTH, { ...DEPTH, name: "gear_ratio", forkable: true }], ["gear_ratio", "water_depth"]),
    ["water_depth"],
  )
  assert.ok(fixedValue({ minimum: 3, maximum: 3 }))
  assert.ok(!fixedValue(MODE))
})

test("the class says what a change takes", () => {
  assert.equal(kindText({ ...DEPTH, ramp: null }), "built: new run")
  assert.equal(kindText({ ...DEPTH, forkable: true, ramp: null }), "built: fork or new run")
  assert.equal(kindText({ kind: "environment", ramp: 0.5, unit: "K" }), "environment: moves by 0.5 K/s")
})

test("only what differs from what is in force is named", () => {
  assert.deepEqual(different({ a: 1, b: "on" }, { a: 1, b: "off", c: 2 }), [
    ["b", "off"],
    ["c", 2],
  ])
})

test("SI units are read as people do, others stay", () => {
  assert.deepEqual(readAs("Pa"), ["bar", 1e-5, 0])
  assert.deepEqual(readAs("K"), ["°C", 1, -273.15])
  assert.deepEqual(readAs("m3/s"), ["m³/s", 1, 0])
})

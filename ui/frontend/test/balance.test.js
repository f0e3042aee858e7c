import assert from "node:assert/strict"
import { test } from "node:test"

import { accountingStart, RUN_START } from "../src/plant/accounting_start.js"
import { BarScales } from "../src/plant/bar_scales.js"
import { COMPARED, windowsText } from "../src/plant/comparison.js"
import { limitOf, marginOf } from "../src/plant/interlocks.js"
import { lapMeans, lapsText, settling } from "../src/plant/lap_means.js"
import { IN, ledgerBalance, OUT, stacks, verdictOverLaps, verdictSoFar } from "../src/plant/ledger_balance.js"
import { storesChanged, unsteady } from "../src/plant/steadiness.js"

const reader = (values) => (path) => values[path] ?? null
const zeros = Object.fromEntries([...IN, ...OUT].flatMap(({ paths }) => paths.map((path) => [`ledger.${path}`, 0])))

test("what came in and did not go out is stored", () => {
  const balance = ledgerBalance(
    reader({ ...zeros, "ledger.compressor": 10, "ledger.auxiliary": 2, "ledger.grid": 4, "ledger.vent": 3 }),
  )
  assert.equal(balance.in, 12)
  assert.equal(balance.out, 7)
  assert.equal(balance.stored, 5)
  assert.equal(balance.given.get("grid-in"), 12)
})

test("the residual counts as stored, so that both stacks are equally long", () => {
  const balance = ledgerBalance(reader({ ...zeros, "ledger.compressor": 1, "ledger.residual": 0.25 }))
  assert.equal(balance.stored, 1.25)
})

test("there is no balance while one entry is unknown", () => {
  const values = { ...zeros }
  delete values["ledger.vent"]
  assert.equal(ledgerBalance(reader(values)), null)
})

test("a flow below zero is drawn on the other side, and both sides stay equal", () => {
  const balance = ledgerBalance(
    reader({ ...zeros, "ledger.compressor": 10, "ledger.heat_from_water": -1, "ledger.grid": 12 }),
  )
  const { in: left, out: right } = stacks(balance)
  const sum = (side) => [...side.values()].reduce((all, value) => all + value, 0)
  assert.equal(right.get("water"), 1)
  assert.equal(left.get("stored"), 3)
  assert.equal(sum(left), sum(right))
  assert.ok([...left.values(), ...right.values()].every((value) => value >= 0))
})

test("without a balance the stacks are empty", () => {
  assert.ok([...stacks(null).in.values(), ...stacks(null).out.values()].every((value) => value === 0))
})

test("the verdict so far says who has more, and why there is no mean yet", () => {
  const balance = { given: new Map(), in: 2, out: 1, stored: 1 }
  const why = settling("running", 3)
  assert.equal(
    verdictSoFar(balance, 2, 1, RUN_START, { word: "stopped", text: "" }),
    "This plant takes more than it delivers. So far it has taken 2.000 kWh from the grid and delivered 1.000 kWh.",
  )
  assert.match(verdictSoFar(balance, 1, 2, RUN_START, why), /^So far .* Settling: 3 laps since the start; /)
  assert.equal(verdictSoFar(balance, 0, 0, RUN_START, why), "No energy has flowed in this run yet.")
  assert.match(verdictSoFar(null, 1, 1, RUN_START, why), /^No numbers from the plant/)
  assert.match(verdictSoFar(balance, 1, 2, "the fork", why), /^Since the fork it has/)
})

test("the verdict over laps names what has no source", () => {
  const means = { laps: 5, taken: 40, given: 10, cop: 0.25, withoutClaims: 0.2, unsourced: 0 }
  assert.equal(
    verdictOverLaps(means, false),
    "This plant takes more than it delivers: 40.0 kW in, 10.0 kW out (mean of the last 5 laps). " +
      "Of each kWh taken, 0.25 kWh comes back.",
  )
  assert.match(verdictOverLaps(means, true), /Without what the claims add, the COP is 0\.200\.$/)
  assert.match(verdictOverLaps({ ...means, given: 50, unsourced: 20 }, false), /but 20\.0 kW of it has no source/)
  assert.match(verdictOverLaps({ ...means, given: 50, laps: 1 }, false), /\(mean of the last lap\): stored energy/)
})

test("lap means need a complete lap, and both powers for what was taken", () => {
  assert.equal(lapMeans(reader({})), null)
  assert.equal(lapMeans(reader({ "meters.laps": 0 })), null)
  assert.equal(lapMeans(reader({ "meters.laps": 5, "meters.compressor_power": 40 })).taken, null)
  const both = { "meters.laps": 5, "meters.compressor_power": 40, "meters.auxiliary_power": 2 }
  assert.equal(lapMeans(reader(both)).taken, 42)
})

test("why a plant has not settled depends on its controller", () => {
  assert.equal(settling(null, 0).word, "–")
  assert.equal(settling("emergency_stop", 9).word, "emergency stop")
  assert.match(settling("coasting", 1).text, /^settling: 1 lap since/)
  assert.equal(lapsText(2), "2 laps")
})

test("means are withheld without a lap, without energy, and while stores change", () => {
  assert.equal(unsteady(reader({})), null)
  assert.equal(unsteady(reader({ "meters.laps": 5, "meters.net_power": -3 })), null)
  assert.equal(unsteady(reader({ "meters.laps": 0 })).text, "no lap is complete yet")
  assert.equal(unsteady(reader({ "meters.laps": 5 })).short, "nothing taken in")
  const changed = { "meters.laps": 5, "meters.storage_share": 0.0321, "meters.storage_limit": 0.01 }
  assert.equal(unsteady(reader(changed)).short, "stores 3.21 %, limit 1 %")
  assert.match(storesChanged(reader(changed)).text, /3\.21 % of the energy taken in \(limit 1 %\)/)
})

test("accounts begin at the start, at that of the run forked from, or at a rebuilding fork", () => {
  assert.equal(accountingStart("reference", null), RUN_START)
  assert.equal(accountingStart(undefined, null), RUN_START)
  assert.match(accountingStart("fork:run-7@420", 0), /the start of run run-7,/)
  assert.equal(accountingStart("fork:run-7@420", 0.5), "the fork, with another machine")
})

test("power bars widen by 1, 2, 5 and begin anew with another run", () => {
  const scales = new BarScales()
  const power = (kilowatts) => reader({ "grid.import_power": kilowatts })
  scales.follow(1, power(7))
  assert.equal(scales.power, 10)
  scales.follow(1, power(-11))
  assert.equal(scales.power, 20)
  scales.follow(1, power(21))
  assert.equal(scales.power, 50)
  scales.follow(2, power(0.5))
  assert.equal(scales.power, 1)
})

test("bars have the marks of the parameters, and none before these are known", () => {
  const scales = new BarScales()
  const parameters = {
    trip_pressure: 4e5,
    load_pressure: 2e5,
    unload_pressure: 3e5,
    gear_ratio: 10,
    sprocket_radius: 1,
  }
  assert.equal(scales.bar({ scale: "pressure" }, 3, undefined, null), null)
  assert.deepEqual(scales.bar({ scale: "pressure" }, 3, parameters, null).band, [2, 3])
  assert.equal(scales.bar({ scale: "pressure" }, 3, parameters, null).limit, 4)
  const speed = scales.bar({ scale: "speed" }, 1, parameters, 300)
  assert.ok(Math.abs(speed.mark - Math.PI) < 1e-12)
  assert.equal(scales.bar({ scale: "speed" }, 1, parameters, null).high, 1)
  assert.deepEqual(scales.bar({ scale: "power", zero: true }, 0, undefined, null), { low: -1, high: 1, mark: 0 })
})

test("a margin is below zero beyond a limit, of size or from below", () => {
  assert.equal(marginOf(false, -12, 10), -2)
  assert.equal(marginOf(false, 8, 10), 2)
  assert.equal(marginOf(true, -0.5, 0), -0.5)
  assert.equal(marginOf(true, null, 0), null)
  assert.equal(marginOf(false, 1, null), null)
})

test("a limit is a number or a multiple of a parameter, in the unit of its channel", () => {
  const bar = { factor: 1e-5, offset: 0 }
  assert.equal(limitOf({ limit: 1, parameter: "trip_pressure" }, bar, { trip_pressure: 8e5 }), 8)
  assert.equal(limitOf({ limit: 400, parameter: "" }, { factor: 1, offset: -273.15 }, {}), 126.85000000000002)
})

test("the comparison tells what a claim brings and costs, if both plants are known", () => {
  const line = (label) => COMPARED.find((each) => each.label === label)
  const plant = { grid_power: 12e3, compressor_power: 40e3, auxiliary_power: 1e3 }
  const off = { grid_power: 10e3, compressor_power: 39e3, auxiliary_power: 1e3 }
  assert.equal(line("Gain").of(plant, off), 2e3)
  assert.equal(line("Cost").of(plant, off), 1e3)
  assert.equal(line("Gain").of(plant, undefined), null)
  assert.equal(line("Taken").of({ ...plant, auxiliary_power: null }), null)
})

test("the laps of the means are told as a range, those that did not settle are counted", () => {
  const row = (settled, laps, leftOut) => ({ settled, laps, left_out: leftOut })
  assert.equal(windowsText([row(false, 0, 9)]), "none of them did")
  assert.equal(
    windowsText([row(true, 5, 3), row(true, 5, 7), row(false, 1, 90)]),
    "means of 5 laps, 3 to 7 laps from the start left out; 1 did not settle",
  )
})

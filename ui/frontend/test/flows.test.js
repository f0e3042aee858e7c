import assert from "node:assert/strict"
import { test } from "node:test"

import { flows, PATHS, recordedMeans, sides } from "../src/plant/flows.js"

const means = (given) => new Map(PATHS.map((path) => [path, given[path] ?? 0]))
const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-9, `${found} is not ${wanted}`)

test("nothing flows in a plant at rest", () => {
  const { bands, stored } = flows(means({}))
  assert.equal(bands.size, 0)
  assert.ok(Object.values(stored).every((value) => value === 0))
})

test("what the compressor does not reject is in the air, which stores it", () => {
  const { bands, stored } = flows(means({ "powers.compressor": 40, "powers.aftercooler": 15 }))
  assert.equal(bands.get("grid compressor"), 40)
  assert.equal(bands.get("compressor heat"), 15)
  assert.equal(bands.get("compressor air"), 25)
  assert.equal(bands.get("air store"), 25)
  assert.equal(stored.air, 25)
})

test("what a hub gives beyond what it takes comes out of store", () => {
  const { bands } = flows(means({ "powers.buoyancy": 10, "powers.shaft": 8 }))
  assert.equal(bands.get("release air"), 10)
  assert.equal(bands.get("air chain"), 10)
  assert.equal(bands.get("chain electric"), 8)
  assert.equal(bands.get("chain store"), 2)
})

test("a flow below zero changes sides", () => {
  const { bands } = flows(means({ "powers.heat_from_water": -3, "powers.vent": -2, "powers.grid": -5 }))
  assert.equal(bands.get("air wall"), 3)
  assert.equal(bands.get("ambient air"), 2)
  assert.equal(bands.get("grid electric"), 5)
})

test("a jet's power on the chain is its force times the chain's speed", () => {
  const { bands } = flows(means({ "hypotheses.jet_force": 2, "chain.speed": 0.5 }))
  assert.equal(bands.get("air chain"), 1)
})

test("both sides of the picture are equal, whatever flows, if auxiliaries only take", () => {
  let seed = 7
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647
    return seed / 2_147_483_647
  }
  for (let i = 0; i < 500; i++) {
    const powers = new Map(PATHS.map((path) => [path, 40 * (random() - 0.4)]))
    powers.set("powers.auxiliary_heat", 5 * random())
    const { bands } = flows(powers)
    assert.ok([...bands.values()].every((value) => value > 0))
    const sums = sides(bands)
    near(sums.in, sums.out)
  }
})

test("a recording from before a line existed has nothing of it, and any other channel that it lacks is unknown", () => {
  const without = (missing) => recordedMeans((path) => (path === missing ? null : 1))
  assert.equal(without("powers.environment").get("powers.environment"), 0)
  assert.equal(without("powers.vent").get("powers.vent"), null)
  assert.equal(without("powers.vent").get("powers.shaft"), 1)
})

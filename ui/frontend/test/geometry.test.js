import assert from "node:assert/strict"
import { test } from "node:test"

import { floaterRows } from "../src/plant/floaters.js"
import { above, corners, levelBelowTop, Shape } from "../src/plant/geometry.js"
import { injectionSchedule } from "../src/plant/injection_schedule.js"

const PARAMETERS = {
  water_depth: 20,
  sprocket_radius: 1,
  bucket_height: 0.8,
  mouth_area: 0.25,
  injection_start_tilt: 90,
  injection_window_length: 1.5,
  water_density: 1000,
  gravity: 10,
  floater_volume: 0.2,
}
const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-9, `${found} is not ${wanted}`)

test("the loop is two runs and two half circles", () => {
  const shape = new Shape(PARAMETERS)
  assert.equal(shape.run, 18)
  near(shape.loop, 36 + 2 * Math.PI)
  assert.equal(shape.width, 0.5)
})

test("a floater goes up at the right, over the top and down at the left", () => {
  const shape = new Shape(PARAMETERS)
  assert.deepEqual(shape.at(0), [1, 1, 0])
  const [x, z, angle] = shape.at(18 + Math.PI / 2)
  near(x, 0)
  near(z, 20)
  near(angle, Math.PI / 2)
  const down = shape.at(18 + Math.PI + 9)
  assert.deepEqual(down, [-1, 10, Math.PI])
  const [bottomX, bottomZ] = shape.at(36 + 1.5 * Math.PI)
  near(bottomX, 0)
  near(bottomZ, 0)
})

test("the path has no jump, not even where the loop closes", () => {
  const shape = new Shape(PARAMETERS)
  const step = shape.loop / 10_000
  for (let i = 0; i < 10_000; i++) {
    const [x1, z1] = shape.at(i * step)
    const [x2, z2] = shape.at(((i + 1) * step) % shape.loop)
    assert.ok(Math.hypot(x2 - x1, z2 - z1) < 1.001 * step)
  }
})

test("every place has its side of the loop", () => {
  const shape = new Shape(PARAMETERS)
  assert.deepEqual(
    [0, 17.9, 18.1, 18 + Math.PI + 0.1, 36 + Math.PI + 0.1].map((s) => shape.side(s)),
    ["up", "up", "top", "down", "bottom"],
  )
})

test("the injection window begins before the nadir's end of the up run by its tilt", () => {
  const shape = new Shape(PARAMETERS)
  near(shape.opens, shape.loop - Math.PI / 2)
  near(new Shape({ ...PARAMETERS, injection_start_tilt: 0 }).opens, 0)
})

test("a turned box keeps its size", () => {
  const box = corners(2, 1, 0.7)
  near(Math.hypot(box[0][0] - box[1][0], box[0][1] - box[1][1]), 2)
  near(Math.hypot(box[1][0] - box[2][0], box[1][1] - box[2][1]), 1)
})

const area = (polygon) =>
  Math.abs(
    polygon.reduce((sum, [x1, y1], i) => {
      const [x2, y2] = polygon[(i + 1) % polygon.length]
      return sum + (x1 * y2 - x2 * y1) / 2
    }, 0),
  )

test("the air that is drawn has the share of the box that is full, however it is turned", () => {
  for (const angle of [0, 0.3, Math.PI / 4, 1.5, 2.6, Math.PI, 4]) {
    for (const fill of [0.02, 0.25, 0.5, 0.9, 0.99]) {
      const box = corners(0.5, 0.8, angle)
      const top = Math.max(...box.map(([, y]) => y))
      near(area(above(box, top - levelBelowTop(0.5, 0.8, angle, fill))) / 0.4, fill)
    }
  }
})

test("nothing of a polygon is above a level over it, all of it above one below", () => {
  const box = corners(1, 1, 0)
  assert.deepEqual(above(box, 2), [])
  assert.equal(area(above(box, -2)), 1)
})

test("buoyancy acts along the chain: up at the right, against it at the left, not at the top", () => {
  const shape = new Shape(PARAMETERS)
  const around = [0, (18 + Math.PI / 2) / shape.loop, (18 + Math.PI + 1) / shape.loop]
  const air = { fill: 0.5, mass: 0.3, kelvin: 283.15 }
  const rows = floaterRows(PARAMETERS, around, [air, { ...air, kelvin: null }, air])
  near(rows[0].force, 1) // 1000 kg/m³ · 10 m/s² · 0.2 m³ · 0.5 in kN
  near(rows[1].force, 0)
  near(rows[2].force, -1)
  assert.deepEqual(
    rows.map(({ where }) => where),
    ["up", "top", "down"],
  )
  near(rows[0].temperature, 10)
  assert.equal(rows[1].temperature, null)
  assert.equal(rows[0].fill, 50)
})

test("the floater that has the shortest way to the injection is served next", () => {
  const shape = { loop: 10, opens: 9 }
  assert.deepEqual(
    injectionSchedule(shape, [0.95, 0.8, 0]).map(({ floater }) => floater),
    [1, 2, 0],
  )
  near(injectionSchedule(shape, [0.8])[0].way, 1)
  assert.deepEqual(injectionSchedule(shape, []), [])
})

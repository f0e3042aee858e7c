// Which floaters come to the injection next, and how far each has to travel. Pure.

/**
 * `shape`: of the chain; `positions`: of the floaters, in rounds of the loop. The way is in metres, and the shortest comes first.
 * @param {import("./geometry.js").Shape} shape
 * @param {Iterable<number>} positions
 */
export function injectionSchedule(shape, positions) {
  const { loop, opens } = shape
  return Array.from(positions, (at, floater) => ({ floater, way: (opens - at * loop + loop) % loop })).sort(
    (a, b) => a.way - b.way,
  )
}

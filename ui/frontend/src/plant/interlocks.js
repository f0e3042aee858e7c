// Interlocks of the controller: how close each is to tripping the plant. Pure.

/**
 * The limit of an interlock in the unit of its channel; a limit may be a multiple of a parameter.
 * @param {ui.Interlock} interlock
 * @param {ui.Channel} channel
 * @param {ui.Parameters} parameters
 */
export function limitOf({ limit, parameter }, { factor, offset }, parameters) {
  const si = parameter ? limit * Number(parameters[parameter]) : limit
  return si * factor + offset
}

/**
 * How far a value is from a limit, negative beyond it; null while either is unknown. An upper limit holds for the magnitude.
 * @param {boolean} below
 * @param {number | null} value
 * @param {number | null} limit
 */
export function marginOf(below, value, limit) {
  if (value === null || limit === null) return null
  return below ? value - limit : limit - Math.abs(value)
}

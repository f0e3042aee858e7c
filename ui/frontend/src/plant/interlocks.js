// Interlocks of the controller: how near each is to tripping the plant. Pure.

// The limit in the unit of its channel; a limit may be a multiple of a parameter.
export function limitOf({ limit, parameter }, { factor, offset }, parameters) {
  const si = parameter ? limit * parameters[parameter] : limit
  return si * factor + offset
}

// How far a value is from a limit, below 0 beyond it; null while either is unknown. A limit from above is one of size.
export function marginOf(below, value, limit) {
  if (value === null || limit === null) return null
  return below ? value - limit : limit - Math.abs(value)
}

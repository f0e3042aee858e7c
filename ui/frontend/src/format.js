// Numbers as people read them: fixed decimals, a true minus sign, and a dash for a value that does not exist. Pure.

export const MISSING = "–"

/**
 * @param {number | null | undefined} value
 * @returns {value is number}
 */
const known = (value) => value !== null && value !== undefined && Number.isFinite(value)

/**
 * A number with fixed decimals.
 * @param {number | null | undefined} value
 * @param {number} decimals
 */
export function fixed(value, decimals) {
  if (!known(value)) return MISSING
  const text = value.toFixed(decimals)
  if (!/[1-9]/.test(text)) return text.replace("-", "") // a small negative number is rounded to "-0.0"
  return text.replace("-", "−")
}

/**
 * Squares and cubes as people write them.
 * @param {string} unit
 */
export const unitText = (unit) => unit.replace(/\b([ms])([23])\b/g, (_, of, power) => of + (power === "2" ? "²" : "³"))

/**
 * A number in scientific notation with two digits, for residuals.
 * @param {number | null | undefined} value
 */
export function power10(value) {
  if (!known(value)) return MISSING
  if (value === 0) return "0"
  const exponent = Math.floor(Math.log10(Math.abs(value)))
  return `${fixed(value / 10 ** exponent, 1)} × 10${superscript(exponent)}`
}

/** @param {number} number */
const superscript = (number) =>
  String(number)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])

/**
 * A length of time, the coarser the longer it is.
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (!known(seconds)) return MISSING
  if (seconds < 10) return `${fixed(seconds, 1)} s`
  if (seconds < 120) return `${fixed(seconds, 0)} s`
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`
}

/**
 * A moment of simulated time, in seconds everywhere: as fields take it, and as files and REST have it.
 * @param {number | null | undefined} seconds
 * @param {number} [decimals]
 */
export const moment = (seconds, decimals = 2) => (known(seconds) ? `${fixed(seconds, decimals)} s` : MISSING)

/**
 * A number that was typed; NaN if it is not one. A comma is refused, and not guessed at: somewhere "0,3" is a fraction, and
 * elsewhere "1,000" is a thousand.
 * @param {string} text
 */
export const typed = (text) => (text.trim() === "" ? NaN : Number(text))
/**
 * How to write a number that was typed with a comma; empty for any other text.
 * @param {string} text
 */
export const howToType = (text) =>
  /^\s*[-+]?\d+,\d+\s*$/.test(text) ? `write a decimal point: ${text.trim().replace(",", ".")}` : ""

/**
 * A moment in hours, minutes and seconds, as the tooltip beside one in seconds; empty below a minute.
 * @param {number | null | undefined} seconds
 */
export function spelt(seconds) {
  if (!known(seconds) || seconds < 60) return ""
  /** @param {number} number */
  const two = (number) => String(Math.floor(number)).padStart(2, "0")
  return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)} h`
}

/**
 * A sentence of the plant, which is in SI units, with its temperatures in the unit of the numbers beside it.
 * @param {string} text
 */
export const celsius = (text) =>
  text.replace(/(\d+(?:\.\d+)?) K\b/g, (_, kelvin) => `${tidy(Number(kelvin) - 273.15)} °C`)
/** @param {number} value */
const tidy = (value) => String(Number(value.toFixed(1))).replace("-", "−")

/**
 * The texts at the ticks of an axis: as many decimals as it takes to tell two of them apart, or powers of ten where those
 * would be many. An axis may have null for a tick that gets no text.
 * @param {(number | null)[]} ticks
 */
export function tickTexts(ticks) {
  const known = ticks.filter((tick) => tick !== null)
  const step = known.length > 1 ? Math.abs(known[1] - known[0]) : Math.abs(known[0] ?? 1)
  const most = Math.max(...known.map(Math.abs))
  if (!(step > 0)) return ticks.map((tick) => fixed(tick, 0))
  const scale = most < 1e-4 || most >= 1e6 ? Math.floor(Math.log10(most)) : 0
  const digits = Math.min(12, decimals(step / 10 ** scale))
  const power = scale ? `·10${superscript(scale)}` : ""
  return ticks.map((tick) => (tick === null ? "" : tick === 0 ? "0" : `${fixed(tick / 10 ** scale, digits)}${power}`))
}

/**
 * The decimals that it takes to write a step exactly, at most 3 beyond its first digit.
 * @param {number} step
 */
function decimals(step) {
  const first = Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) // log10(0.001) is a little below -3
  for (let digits = first; digits < first + 3; digits++) {
    const scaled = step * 10 ** digits
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return digits
  }
  return first + 3
}

/**
 * Bytes, in powers of 1000.
 * @param {number} bytes
 */
export function fileSize(bytes) {
  if (bytes >= 1e9) return `${fixed(bytes / 1e9, 2)} GB`
  return bytes >= 1e6 ? `${fixed(bytes / 1e6, 1)} MB` : `${fixed(bytes / 1e3, 1)} kB`
}

// Numbers for people: fixed decimals, a true minus, and a dash for what does not exist.

export const MISSING = "–"

export function fixed(value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING
  const text = value.toFixed(decimals)
  if (!/[1-9]/.test(text)) return text.replace("-", "")
  return text.replace("-", "−")
}

// Squares and cubes as people write them.
export const unitText = (unit) => unit.replace(/\b([ms])([23])\b/g, (_, of, power) => of + (power === "2" ? "²" : "³"))

export function power10(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING
  if (value === 0) return "0"
  const exponent = Math.floor(Math.log10(Math.abs(value)))
  const digits = String(Math.abs(exponent)).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit])
  return `${fixed(value / 10 ** exponent, 1)} × 10${exponent < 0 ? "⁻" : ""}${digits}`
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return MISSING
  if (seconds < 10) return `${fixed(seconds, 1)} s`
  if (seconds < 120) return `${fixed(seconds, 0)} s`
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`
}

export function clockTime(seconds) {
  const minutes = Math.floor(Math.abs(seconds) / 60)
  const rest = Math.abs(seconds) - 60 * minutes
  const text = Number.isInteger(rest) ? String(rest).padStart(2, "0") : rest.toFixed(1).padStart(4, "0")
  return `${seconds < 0 ? "−" : ""}${minutes}:${text}`
}

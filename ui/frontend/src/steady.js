// Why net power and COP of the last laps are withheld, if they are: what the stores gave or took would be in them.

import { MISSING, fixed } from "./format.js"
import { stream } from "./stream.js"

export const WITHHELD = new Set(["meters.net_power", "meters.cop", "meters.cop_without_claims"])

const live = (path) => stream.value(path)

// `read` gives a channel's value, null if there is none. Null if nothing is withheld, or nothing is heard.
export function unsteady(read = live) {
  const laps = read("meters.laps")
  if (laps === null || read("meters.net_power") !== null) return null
  if (laps === 0) return { word: MISSING, short: "no complete lap", text: "no lap is complete yet" }
  const stores = storesChanged(read)
  if (stores === null) return { word: "not steady", short: "nothing taken in", text: "not steady: nothing was taken in" }
  return { word: "not steady", short: `stores ${stores.share}, limit ${stores.limit}`, figure: stores.share, text: `not steady: ${stores.text}` }
}

// By how much the stores changed over the laps; null if that is not known.
export function storesChanged(read = live) {
  const [share, limit] = [read("meters.storage_share"), read("meters.storage_limit")]
  if (share === null || limit === null) return null
  const told = { share: `${fixed(100 * share, 2)} %`, limit: `${Number((100 * limit).toPrecision(3))} %` }
  return { ...told, text: `stores changed by ${told.share} of the energy taken in (limit ${told.limit})` }
}

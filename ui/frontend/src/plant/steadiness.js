// Why net power and COP of the last laps are withheld: what the stores gave or took in these laps would count as output or
// input of the plant. Pure.
//
// `read` gives a channel's value in the unit people read, null if there is none.

import { fixed, MISSING } from "../format.js"

// Channels that have no value while the stores change too much.
export const WITHHELD = new Set(["meters.net_power", "meters.cop", "meters.cop_without_claims"])

/**
 * Why they are withheld, in several lengths; null if nothing is withheld, or nothing is heard.
 * @param {ui.Read} read
 */
export function unsteady(read) {
  const laps = read("meters.laps")
  if (laps === null || read("meters.net_power") !== null) return null
  if (laps === 0) return { word: MISSING, short: "no complete lap", text: "no lap is complete yet" }
  const stores = storesChanged(read)
  if (stores === null)
    return { word: "not steady", short: "nothing taken in", text: "not steady: nothing was taken in" }
  return {
    word: "not steady",
    short: `stores ${stores.share}, limit ${stores.limit}`,
    figure: stores.share,
    text: `not steady: ${stores.text}`,
  }
}

/**
 * By how much the stores changed over the last laps; null if that is not known.
 * @param {ui.Read} read
 */
export function storesChanged(read) {
  const share = read("meters.storage_share")
  const limit = read("meters.storage_limit")
  if (share === null || limit === null) return null
  const shareText = `${fixed(100 * share, 2)} %`
  const limitText = `${Number((100 * limit).toPrecision(3))} %`
  return {
    share: shareText,
    limit: limitText,
    text: `stores changed by ${shareText} of the energy taken in (limit ${limitText})`,
  }
}

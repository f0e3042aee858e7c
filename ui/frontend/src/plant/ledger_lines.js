// Every line of the first-law ledger: its label, and where it is drawn. A new line of the plant is added here and nowhere
// else on the page: the tables of Energy, the balance of the Overview and the power flow are made from this list.

/**
 * A line that energy comes in by. `part`: where the Overview counts it.
 * @typedef {{ name: string, label: string, part: string }} Input
 */
/**
 * A line that energy leaves by. `band`: the band of the power flow that it is drawn in with others, null if it has its own.
 * @typedef {{ name: string, label: string, part: string, band: string | null }} Output
 */

/**
 * @param {string} part
 * @param {string} name
 * @param {string} label
 * @returns {Input}
 */
const input = (part, name, label) => ({ name, label, part })
/**
 * A line of which the power flow draws the sum with others of the same band.
 * @param {string} part
 * @param {string} band
 * @param {string} name
 * @param {string} label
 * @returns {Output}
 */
const loss = (part, band, name, label) => ({ name, label, part, band })
/**
 * @param {string} part
 * @param {string} name
 * @param {string} label
 * @returns {Output}
 */
const output = (part, name, label) => ({ name, label, part, band: null })

export const INPUTS = [
  input("grid-in", "compressor", "Compressor"),
  input("grid-in", "auxiliary", "Auxiliaries"),
  input("water", "heat_from_water", "Heat from the water"),
  input("water", "bath", "Heat into a finite bath"),
  input("unsourced", "unsourced", "Without a source in the model"),
  input("surroundings", "environment", "Surroundings that change: work, heat"),
  input("surroundings", "reference", "Shift of the zero of the air's energy"),
]

export const OUTPUTS = [
  output("grid-out", "grid", "To the grid"),
  output("air", "aftercooler", "Compressor and aftercooler heat"),
  output("air", "receiver_heat", "Receiver wall"),
  output("air", "vent", "Vented air"),
  loss("drag", "waterloss", "drag_local", "Drag at the floaters"),
  loss("drag", "waterloss", "drag_bulk", "Co-flow"),
  loss("drag", "waterloss", "water_exchange", "Exchanged water"),
  loss("drag", "waterloss", "jet_wake", "Wake of jets"),
  loss("drag", "waterloss", "h1_slip", "Bubble flow"),
  loss("mechanics", "mechanicloss", "chain_friction", "Chain friction"),
  loss("mechanics", "mechanicloss", "brake", "Holding brake"),
  loss("mechanics", "mechanicloss", "gearbox", "Gearbox"),
  loss("mechanics", "mechanicloss", "flywheel_windage", "Flywheel windage"),
  loss("mechanics", "mechanicloss", "clutch", "Clutch"),
  loss("electrics", "electricloss", "generator_copper", "Generator winding"),
  loss("electrics", "electricloss", "generator_iron", "Generator iron"),
  loss("electrics", "electricloss", "generator_mechanical", "Generator friction"),
  loss("electrics", "electricloss", "generator_stray", "Generator stray"),
  loss("electrics", "electricloss", "converter", "Converter"),
  output("electrics", "auxiliary_heat", "Auxiliaries as heat"),
  loss("electrics", "load", "chopper", "Brake chopper"),
  loss("electrics", "load", "dump_load", "Dump load"),
]

/** Where energy is stored, in either ledger: [name, label]. */
export const STORES = /** @type {[string, string][]} */ ([
  ["stored_receiver", "Air in the receiver"],
  ["stored_pockets", "Air in the pockets"],
  ["stored_chain", "Chain in motion"],
  ["stored_shaft", "Fast shaft"],
  ["stored_water", "Co-flow"],
  ["stored_shell", "Shells, potential"],
  ["stored_magnetic", "Generator field"],
  ["stored_dc_link", "DC link"],
  ["stored_bath", "Finite bath"],
  ["stored_surface", "Risen surface"],
])

/**
 * Names of the lines that one part of the Overview's balance counts.
 * @param {string} part
 */
export const namesOf = (part) => [...INPUTS, ...OUTPUTS].filter((line) => line.part === part).map(({ name }) => name)

/**
 * Names of the losses that one band of the power flow draws, in their order.
 * @param {string} band
 */
export const namesIn = (band) => OUTPUTS.filter((line) => line.band === band).map(({ name }) => name)

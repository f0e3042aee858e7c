// Pneumatics: the numbers of compressor, receiver and injection beside their trends.

import { facts, word } from "../widgets/values.js"
import { machinePage } from "./machine_page.js"

/** @type {ui.TrendPlot[]} */
const PLOTS = [
  {
    id: "p-pressure",
    page: 1,
    title: "Receiver (abs.)",
    lines: [{ path: "receiver.pressure", label: "Pressure", colour: "flow" }],
    least: [0.1],
    levels: (/** @type {ui.Parameters} */ p) => [
      [p.unload_pressure / 1e5, "unload"],
      [p.load_pressure / 1e5, "load"],
    ],
  },
  {
    id: "p-flow",
    page: 1,
    title: "Air flow",
    lines: [
      { path: "compressor.mass_flow", label: "Compressor", colour: "import" },
      { path: "valve.mass_flow", label: "Injection", colour: "flow" },
    ],
    zero: true,
    least: [0.1],
  },
  {
    id: "p-power",
    page: 1,
    title: "Compressor",
    lines: [{ path: "compressor.power", label: "Power", colour: "import" }],
    zero: true,
    least: [5],
  },
  {
    id: "p-temperature",
    page: 1,
    title: "Receiver",
    lines: [{ path: "receiver.temperature", label: "Temperature", colour: "net" }],
    least: [2],
  },
]

export const { HTML, start } = machinePage(
  "p-",
  [
    facts("Compressor", [
      word("compressor_mode", "Mode"),
      ["compressor.power", "Electric power"],
      ["compressor.mass_flow", "Delivery"],
      ["powers.aftercooler", "Heat rejected"],
    ]),
    facts("Receiver", [
      ["receiver.pressure", "Pressure (abs.)"],
      ["receiver.temperature", "Temperature"],
      ["receiver.air_mass", "Air"],
      ["powers.receiver_heat", "Heat through the wall"],
      ["meters.receiver_pressure_min", "Lowest, last laps"],
      ["meters.receiver_pressure_max", "Highest, last laps"],
    ]),
    facts("Injection", [
      ["valve.mass_flow", "Through the valve"],
      word("served", "Floater being served"),
      ["valve.delivered", "Delivered to it"],
      ["valve.target", "Target of a pulse"],
      word("pulses", "Pulses"),
      word("missed", "Pulses below target"),
      ["meters.air_mass_flow", "Mean flow, last laps"],
      word("injection_enabled", "Injection enabled"),
    ]),
    facts("Water and pockets", [
      ["water.temperature", "Water"],
      ["water.level_rise", "Rise of the surface"],
      ["powers.heat_from_water", "Heat into the pockets"],
      ["powers.vent", "With vented air"],
      ["meters.pocket_temperature_min", "Coldest pocket, last laps"],
    ]),
  ],
  PLOTS,
)

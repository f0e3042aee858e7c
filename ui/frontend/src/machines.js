// Drivetrain and electrical, and pneumatics: the numbers of each machine beside their trends.

import { trendPlots, trends } from "./strips.js"
import { facts, values, word } from "./values.js"

const DRIVE_PLOTS = [
  { id: "d-torque", page: 1, title: "Generator torque", lines: [{ path: "generator.torque", label: "Air gap", colour: "net" }], zero: true, least: [100] },
  { id: "d-speed", page: 1, title: "Speed", lines: [{ path: "drivetrain.shaft_speed_rpm", label: "Shaft", colour: "shaft" }], zero: true, least: [10] },
  { id: "d-power", page: 1, title: "Power", lines: [{ path: "powers.buoyancy", label: "Buoyancy", colour: "line-7" }, { path: "powers.shaft", label: "Shaft", colour: "shaft" }, { path: "grid.export_power", label: "Export", colour: "export" }], zero: true, least: [5] },
  { id: "d-winding", page: 1, title: "Winding", lines: [{ path: "generator.winding_temperature", label: "Temperature", colour: "import" }], least: [2] },
]
const AIR_PLOTS = [
  { id: "p-pressure", page: 1, title: "Receiver (abs.)", lines: [{ path: "receiver.pressure", label: "Pressure", colour: "flow" }], least: [0.1], levels: (p) => [[p.unload_pressure / 1e5, "unload"], [p.load_pressure / 1e5, "load"]] },
  { id: "p-flow", page: 1, title: "Air flow", lines: [{ path: "compressor.mass_flow", label: "Compressor", colour: "import" }, { path: "valve.mass_flow", label: "Injection", colour: "flow" }], zero: true, least: [0.1] },
  { id: "p-power", page: 1, title: "Compressor", lines: [{ path: "compressor.power", label: "Power", colour: "import" }], zero: true, least: [5] },
  { id: "p-temperature", page: 1, title: "Receiver", lines: [{ path: "receiver.temperature", label: "Temperature", colour: "net" }], least: [2] },
]

const machine = (id, panels, plots) => ({
  HTML: `<div class="machine"><div class="stack-of-panels">${panels.join("")}</div>${trends(id, plots)}</div>`,
  start: (root, { commands }) => {
    const show = values(root)
    const drawn = trendPlots(root, id, plots, commands)
    return { round: () => (show(), drawn.legend()), draw: drawn.draw, restyle: drawn.restyle, resize: drawn.restyle }
  },
})

export const drivetrain = machine(
  "d-",
  [
    facts("Chain", [["chain.speed", "Speed"], ["chain.coflow_speed", "Co-flow of the water"], ["chain.buoyancy_force", "Buoyancy"], ["chain.shell_force", "Shells"], ["chain.drag_force", "Drag"], ["chain.exchange_force", "Exchanged water"], ["chain.friction_force", "Friction"], ["chain.brake_force", "Brake"], ["chain.pto_force", "Drivetrain"], ["chain.tension_max", "Highest tension"], ["chain.tension_min", "Lowest tension"], ["chain.laps", "Laps"]]),
    facts("Drivetrain", [["drivetrain.sprocket_speed", "Sprocket"], ["drivetrain.shaft_speed_rpm", "Fast shaft"], ["plc.speed_setpoint_rpm", "Set-point"], ["drivetrain.clutch_torque", "Clutch torque"], word("clutch_locked", "Clutch locked"), word("brake_set", "Brake set")]),
    facts("Generator and grid", [["generator.torque", "Air-gap torque"], ["generator.shaft_torque", "Torque from the shaft"], ["generator.power", "Terminals"], ["generator.current_d", "Current d, peak"], ["generator.current_q", "Current q, peak"], ["generator.voltage_d", "Voltage d, peak"], ["generator.voltage_q", "Voltage q, peak"], ["generator.winding_temperature", "Winding"], ["converter.dc_power", "Into the DC link"], ["converter.loss", "Converter losses"], ["dc_link.voltage", "DC link"], ["grid.export_power", "Export"], ["grid.import_power", "Import"], ["grid.exchange_power", "With the grid"], ["grid.frequency", "Frequency"], ["grid.voltage", "Voltage over nominal"], word("synchronised", "Breaker closed"), word("converter_on", "Converter on")]),
  ],
  DRIVE_PLOTS,
)

export const pneumatics = machine(
  "p-",
  [
    facts("Compressor", [word("compressor_mode", "Mode"), ["compressor.power", "Electric power"], ["compressor.mass_flow", "Delivery"], ["powers.aftercooler", "Heat rejected"]]),
    facts("Receiver", [["receiver.pressure", "Pressure (abs.)"], ["receiver.temperature", "Temperature"], ["receiver.air_mass", "Air"], ["powers.receiver_heat", "Heat through the wall"], ["meters.receiver_pressure_min", "Lowest, last laps"], ["meters.receiver_pressure_max", "Highest, last laps"]]),
    facts("Injection", [["valve.mass_flow", "Through the valve"], word("served", "Floater being served"), ["valve.delivered", "Delivered to it"], ["valve.target", "Target of a pulse"], word("pulses", "Pulses"), word("missed", "Pulses below target"), ["meters.air_mass_flow", "Mean flow, last laps"], word("injection_enabled", "Injection enabled")]),
    facts("Water and pockets", [["water.temperature", "Water"], ["water.level_rise", "Rise of the surface"], ["powers.heat_from_water", "Heat into the pockets"], ["powers.vent", "With vented air"], ["meters.pocket_temperature_min", "Coldest pocket, last laps"]]),
  ],
  AIR_PLOTS,
)

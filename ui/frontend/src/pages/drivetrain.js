// Drivetrain and electrical: the numbers of each machine beside their trends.

import { facts, word } from "../widgets/values.js"
import { machinePage } from "./machine_page.js"

/** @type {ui.TrendPlot[]} */
const PLOTS = [
  {
    id: "d-torque",
    page: 1,
    title: "Generator torque",
    lines: [{ path: "generator.torque", label: "Air gap", colour: "net" }],
    zero: true,
    least: [100],
  },
  {
    id: "d-speed",
    page: 1,
    title: "Speed",
    lines: [{ path: "drivetrain.shaft_speed_rpm", label: "Shaft", colour: "shaft" }],
    zero: true,
    least: [10],
  },
  {
    id: "d-power",
    page: 1,
    title: "Power",
    lines: [
      { path: "powers.buoyancy", label: "Buoyancy", colour: "line-7" },
      { path: "powers.shaft", label: "Shaft", colour: "shaft" },
      { path: "grid.export_power", label: "Export", colour: "export" },
    ],
    zero: true,
    least: [5],
  },
  {
    id: "d-winding",
    page: 1,
    title: "Winding",
    lines: [{ path: "generator.winding_temperature", label: "Temperature", colour: "import" }],
    least: [2],
  },
]

export const { HTML, start } = machinePage(
  "d-",
  [
    facts("Chain", [
      ["chain.speed", "Speed"],
      ["chain.coflow_speed", "Co-flow of the water"],
      ["chain.buoyancy_force", "Buoyancy"],
      ["chain.shell_force", "Shells"],
      ["chain.drag_force", "Drag"],
      ["chain.exchange_force", "Exchanged water"],
      ["chain.friction_force", "Friction"],
      ["chain.brake_force", "Brake"],
      ["chain.pto_force", "Drivetrain"],
      ["chain.tension_max", "Highest tension"],
      ["chain.tension_min", "Lowest tension"],
      ["chain.laps", "Laps"],
    ]),
    facts("Drivetrain", [
      ["drivetrain.sprocket_speed", "Sprocket"],
      ["drivetrain.shaft_speed_rpm", "Fast shaft"],
      ["plc.speed_setpoint_rpm", "Set-point"],
      ["drivetrain.clutch_torque", "Clutch torque"],
      word("clutch_locked", "Clutch locked"),
      word("brake_set", "Brake set"),
    ]),
    facts("Generator and grid", [
      ["generator.torque", "Air-gap torque"],
      ["generator.shaft_torque", "Torque from the shaft"],
      ["generator.power", "Terminals"],
      ["generator.current_d", "Current d, peak"],
      ["generator.current_q", "Current q, peak"],
      ["generator.voltage_d", "Voltage d, peak"],
      ["generator.voltage_q", "Voltage q, peak"],
      ["generator.winding_temperature", "Winding"],
      ["converter.dc_power", "Into the DC link"],
      ["converter.loss", "Converter losses"],
      ["dc_link.voltage", "DC link"],
      ["grid.export_power", "Export"],
      ["grid.import_power", "Import"],
      ["grid.exchange_power", "With the grid"],
      ["grid.frequency", "Frequency"],
      ["grid.voltage", "Voltage over nominal"],
      word("synchronised", "Breaker closed"),
      word("converter_on", "Converter on"),
    ]),
  ],
  PLOTS,
)

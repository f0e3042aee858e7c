"""The numbers of a plant for the independent integration, in the symbols of the model's equations and SI units.

Nothing of the compiled kernel is used here: only names and values of the parameters.
"""

import math
from typing import Any, NamedTuple, cast

import numpy as np

from kpp_physics.parameters import Parameters

_MODES = {"off": 0, "physical": 1, "claimed": 2}


class Model(NamedTuple):
    """One plant. Symbols as in the equations; names ending in _on are 0 or 1, modes 0 off, 1 physical, 2 claimed.

    stiffness is the rise of a pocket's pressure by its own volume, 0 without a finite bucket [Pa/m3]; A_surface 0 and
    C_w 0 stand for an infinite surface and an infinite bath. E_link is the energy of the DC link at its reference [J].
    """

    N: int
    V: float
    m_f: float
    rho_f: float
    b_over_h: float
    H: float
    Rs: float
    H_c: float
    L: float
    m_chain: float
    C_a: float
    k_d: float
    A_s: float
    K_w: float
    coflow_on: int
    F_f: float
    rho: float
    g: float
    p0: float
    T0: float
    T_w: float
    R: float
    cp: float
    UA: float
    mdot_c: float
    isothermal_on: int
    eta_is: float
    f_idle: float
    p_load: float
    p_unload: float
    p_relief: float
    approach: float
    V_r: float
    UA_r: float
    C: float
    b: float
    spool_time: float
    eta_cap: float
    m_t: float
    x_open: float
    l_w: float
    G: float
    eta_g: float
    P_g0: float
    J: float
    P_fw0: float
    w_set: float
    w_s: float
    w_r: float
    tau_r: float
    tau_max: float
    I_r: float
    k_t: float
    R_st: float
    P_fe0: float
    P_mech0: float
    P_stray0: float
    P_cr: float
    c0: float
    c1: float
    c2: float
    alpha: float
    P_aux: float
    torque_on: int
    tau_set: float
    export_share: float
    E_link: float
    P_dump: float
    stiffness: float
    A_surface: float
    C_w: float
    UA_w: float
    h1: int
    h2: int
    h3: int
    jet: int
    recovery: int
    m_h1: float
    x_in: float
    h1_void: float
    h1_relief: float
    h2_boost: float
    h2_ua: float
    h2_pump: float
    t_on: float
    t_off: float
    A_o: float
    C_D: float
    jet_gain: float
    recovery_claimed: float
    d_h: float
    f_c: float


def _export_share(p: Parameters) -> float:
    """Share of its power that the grid side exports: less by the droop above 50.2 Hz."""
    return max(0.0, 1.0 - max(0.0, p.grid_frequency - 50.2) / (p.frequency_droop * 50.0))


def record(plant: Model) -> Model:
    """The same numbers as one block of memory: compiled functions hand on its address instead of a hundred values."""
    kinds = [(name, np.int64 if kind is int else np.float64) for name, kind in Model.__annotations__.items()]
    fields: Any = np.dtype(kinds)
    return cast(Model, np.array([tuple(plant)], dtype=fields)[0])


def model(p: Parameters) -> Model:
    """The plant that a set of parameters describes."""
    height = p.water_depth - 2 * p.sprocket_radius
    blocked = (1 - 2 * p.mouth_area / p.shaft_area) ** -2 if p.blockage_correction == "on" else 1.0
    rpm = 2 * math.pi / 60
    return Model(
        N=p.floater_count,
        V=p.floater_volume,
        m_f=p.floater_mass,
        rho_f=p.shell_density,
        b_over_h=math.sqrt(p.mouth_area) / p.bucket_height,
        H=p.water_depth,
        Rs=p.sprocket_radius,
        H_c=height,
        L=2 * height + 2 * math.pi * p.sprocket_radius,
        m_chain=p.chain_mass,
        C_a=p.added_mass_coefficient,
        k_d=p.water_density / 2 * p.floater_count * p.drag_area * p.wake_shielding * blocked,
        A_s=p.shaft_area,
        K_w=p.loop_loss_coefficient,
        coflow_on=int(p.coflow == "on"),
        F_f=p.chain_friction_base + 4 * p.pin_friction * p.pin_radius * p.chain_pretension / p.sprocket_radius,
        rho=p.water_density,
        g=p.gravity,
        p0=p.ambient_pressure,
        T0=p.ambient_temperature,
        T_w=p.water_temperature,
        R=p.gas_constant,
        cp=p.cp_air,
        UA=p.pocket_ua,
        mdot_c=p.compressor_flow,
        isothermal_on=int(p.compressor_model == "isothermal_ideal"),
        eta_is=p.compressor_efficiency,
        f_idle=p.compressor_idle_fraction,
        p_load=p.load_pressure,
        p_unload=p.unload_pressure,
        p_relief=p.relief_pressure,
        approach=p.aftercooler_approach if p.compressor_model == "isentropic" else 0.0,
        V_r=p.receiver_volume,
        UA_r=p.receiver_ua,
        C=p.valve_conductance,
        b=p.valve_critical_ratio,
        spool_time=p.valve_time_constant,
        eta_cap=p.capture_efficiency,
        m_t=p.fill_fraction * p.ambient_pressure * p.floater_volume / (p.gas_constant * p.ambient_temperature),
        x_open=-p.sprocket_radius * p.injection_start_tilt * math.pi / 180,
        l_w=p.injection_window_length,
        G=p.gear_ratio,
        eta_g=p.gearbox_efficiency,
        P_g0=p.gearbox_noload_power,
        J=p.shaft_inertia,
        P_fw0=p.flywheel_windage_power,
        w_set=p.generator_speed_setpoint * rpm,
        w_s=p.speed_bandwidth,
        w_r=p.generator_rated_speed * rpm,
        tau_r=p.generator_rated_torque,
        tau_max=p.generator_max_torque,
        I_r=p.rated_current,
        k_t=1.5 * p.pole_pairs * p.flux_linkage,
        R_st=p.stator_resistance,
        P_fe0=p.iron_loss,
        P_mech0=p.mechanical_loss,
        P_stray0=p.stray_loss,
        P_cr=p.converter_rating,
        c0=p.converter_c0,
        c1=p.converter_c1,
        c2=p.converter_c2,
        alpha=2 * math.pi * p.current_bandwidth,
        P_aux=p.auxiliary_power,
        torque_on=int(p.control_mode == "torque"),
        tau_set=p.torque_setpoint,
        export_share=_export_share(p),
        E_link=0.5 * p.dc_link_capacitance * p.dc_link_voltage**2,
        P_dump=p.dump_load_power,
        stiffness=p.water_density * p.gravity / p.mouth_area if p.finite_bucket == "on" else 0.0,
        A_surface=p.surface_area,
        C_w=p.bath_heat_capacity,
        UA_w=p.bath_ua,
        h1=_MODES[p.h1_mode],
        h2=_MODES[p.h2_mode],
        h3=_MODES[p.h3_mode],
        jet=_MODES[p.jet_mode],
        recovery=_MODES[p.recovery_mode],
        m_h1=p.h1_gas_flow,
        x_in=p.h1_inside_void,
        h1_void=p.h1_void,
        h1_relief=p.h1_drag_reduction,
        h2_boost=p.h2_boost,
        h2_ua=p.h2_ua,
        h2_pump=p.h2_pump_power,
        t_on=p.h3_on_time,
        t_off=p.h3_off_time,
        A_o=p.jet_outlet_area,
        C_D=p.jet_discharge,
        jet_gain=p.jet_efficiency,
        recovery_claimed=p.recovery_claimed,
        d_h=p.recovery_depth,
        f_c=p.recovery_capture,
    )

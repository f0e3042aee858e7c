"""The generated parts of docs/physics.md: tables from the declarations, figures from a run of the reference."""

from kpp_physics import ledger
from kpp_physics.parameters import DECLARATIONS
from studies.report import KILOWATT, UNITS
from studies.result import METERS, waterfall
from studies.run import Measurement

FLAGS = {
    "D": "derived",
    "P": "inherited from the predecessor's design",
    "S": "published source",
    "A": "assumption of ours",
    "S/A": "source and assumption",
    "-": "choice of operation",
}

_SIDES = {ledger.Side.INPUT: "in", ledger.Side.OUTPUT: "out", ledger.Side.COUNTER: "counted, not in the balance"}


def declared() -> dict[str, str]:
    """The blocks that follow from the declarations alone."""
    return {"parameters": _parameters(), "assumptions": _assumptions(), "ledger-lines": _ledger_lines()}


def blocks(reference: Measurement) -> dict[str, str]:
    """Every block.

    Args:
        reference: a run of the reference scenario.
    """
    return {**declared(), "meters": _meters(reference), "waterfall": _waterfall(reference)}


def _code(symbol: str) -> str:
    return "" if symbol == "-" else f"`{symbol}`"


def _parameters() -> str:
    rows = [
        "| name | symbol | unit | default | min | max | flag | class | meaning |",
        "|---|---|---|---:|---:|---:|---|---|---|",
    ]
    for item in DECLARATIONS.values():
        low, high = ("" if limit is None else f"{limit:g}" for limit in (item.minimum, item.maximum))
        default = item.default if isinstance(item.default, str) else f"{item.default:g}"
        text = item.text + (f" ({', '.join(item.choices)})" if item.choices else "")
        rows.append(
            f"| `{item.name}` | {_code(item.symbol)} | {item.unit} | {default} | {low} | {high} | {item.flag} | "
            f"{item.kind} | {text} |"
        )
    return "\n".join(rows)


def _assumptions() -> str:
    counts = {flag: [item for item in DECLARATIONS.values() if item.flag == flag] for flag in FLAGS}
    rows = ["| flag | what it says | parameters |", "|---|---|---:|"]
    rows += [f"| {flag} | {FLAGS[flag]} | {len(items)} |" for flag, items in counts.items() if items]
    unproven = [f"`{item.name}`" for item in DECLARATIONS.values() if "A" in item.flag]
    return "\n".join([*rows, "", f"Assumptions ({len(unproven)} of {len(DECLARATIONS)}): {', '.join(unproven)}."])


def _ledger_lines() -> str:
    rows = ["| side | line | unit | meaning |", "|---|---|---|---|"]
    stored = [("stored", store) for store in ledger.STORE_TABLE]
    sides = [(_SIDES[line.side], line) for line in ledger.TABLE]
    balanced = [row for row in sides if row[1].side is not ledger.Side.COUNTER]
    for side, line in [*balanced, *stored, *sides[len(balanced) :]]:
        rows.append(f"| {side} | `{line.name}` | {line.unit} | {line.meaning} |")
    return "\n".join(rows)


def _meters(found: Measurement) -> str:
    rows = [
        f"Means over {found.laps} laps; compressor power over {found.load_cycles} whole load cycles.",
        "",
        "| meter | value | unit |",
        "|---|---:|---|",
    ]
    for name in METERS:
        unit, factor = UNITS.get(name, KILOWATT)
        value = found.meters[name]
        rows.append(
            f"| {name.replace('_', ' ')} | {'-' if value is None else format(value * factor, '.4g')} | {unit} |"
        )
    return "\n".join(rows)


def _waterfall(found: Measurement) -> str:
    scale = found.means["compressor"]
    rows = ["| line | kW | % of compressor |", "|---|---:|---:|"]
    for name, power in waterfall(found.means):
        strong = "**" if name.startswith("sum") or name == "grid" else ""
        label, value = name.replace("_", " "), round(power / 1e3, 3) + 0.0
        rows.append(f"| {strong}{label}{strong} | {value:.3f} | {round(power / scale, 4) + 0.0:.2%} |")
    return "\n".join(rows)

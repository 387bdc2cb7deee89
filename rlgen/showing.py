"""How the command shows a plug-in and what would be trained: as rows that JSON holds, and as text for people."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rlgen import registry, runtime
from rlgen.trainer_config import TrainerConfig

if TYPE_CHECKING:
    from rlgen.checking import Report
    from rlgen.planning import Plan


def plugin_row(name: str) -> dict[str, Any]:
    """What there is to say of a plug-in."""
    plugin = registry.find(name)
    value = plugin.load()
    config = getattr(value, "Config", None)
    row: dict[str, Any] = {"name": name, "kind": plugin.kind, "source": plugin.source, "summary": plugin.summary}
    row["doc"] = inspect.cleandoc(getattr(value, "__doc__", None) or "")
    if plugin.kind in registry.ALGORITHM_KINDS:
        row |= _learning(value)
    row["fields"] = config.describe() if config else []
    row["presets"] = {k: dict(v) for k, v in config.presets.items()} if config else {}
    return row


def plugin_text(row: Mapping[str, Any]) -> str:
    """The row for people."""
    lines = [f"{row['name']}  ({row['kind']}, {row['source']})", "", row["doc"], ""]
    if "problem" in row:
        wanted = {"learns on": row["problem"], "for": row["steps"], "judged by": row["score"]}
        lines += [*table(wanted), ""]
    for field in row["fields"]:
        limits = f", {field['range']}" if field["range"] else ""
        lines += [f"  {field['name']} = {field['default']}  ({field['type']}{limits})", f"      {field['doc']}"]
    for preset, values in row["presets"].items():
        lines += ["", f"preset {preset}: {values.get('about', '')}"]
    return "\n".join(lines)


def plan_row(plan: Plan) -> dict[str, Any]:
    """What would be trained."""
    memory = {part: runtime.human_bytes(size) for part, size in plan.algorithm.memory_bytes().items()}
    row = {**vars(plan.config), "steps": plan.steps, "score": plan.algorithm.score, "memory": memory}
    del row["about"], row["facts"]
    return {**row, "run": str(plan.path)}


def plan_text(plan: Plan) -> str:
    """The same for people: a field on a line, a star before what is not the default."""
    row, algorithm = plan_row(plan), plan.algorithm
    row["steps"], row["score"] = (_learning(algorithm, steps=plan.steps)[name] for name in ("steps", "score"))
    row["memory"] = ", ".join(f"{part} {size}" for part, size in row["memory"].items()) or "little"
    own, trainer = row.pop("config"), row.pop("trainer")
    remarks = [f"\n{remark}" for remark in plan.remarks]
    trainers = [{**field, "name": f"trainer.{field['name']}"} for field in TrainerConfig.describe()]
    values = {**own, **{f"trainer.{name}": value for name, value in trainer.items()}}
    fields = _fields(values, [*algorithm.Config.describe(), *trainers])
    return "\n".join([*table(row), "", "  (*: not the default, which stands behind)", *fields, *remarks])


def report_row(report: Report) -> dict[str, Any]:
    """What a check of a run found."""
    found = [vars(finding) for finding in report.findings]
    return {**vars(report), "path": str(report.path), "sound": not found, "findings": found}


def report_text(report: Report) -> str:
    """The same for people."""
    row = report_row(report)
    findings = row.pop("findings")
    lines = table({key: value for key, value in row.items() if value is not None})
    for finding in findings:
        lines += ["", f"{finding['file']}: {finding['what']}", f"    {finding['advice']}"]
    return "\n".join(lines)


def table(row: Mapping[str, Any]) -> list[str]:
    """Names and values, one below the other."""
    width = max(map(len, row), default=0)
    return [f"{key:<{width}}  {f'{value:,.6g}' if isinstance(value, float) else value}" for key, value in row.items()]


def _learning(algorithm: Any, *, steps: int | None = None) -> dict[str, str]:
    """What an algorithm learns on, for how long, and how it is judged."""
    return {
        "problem": algorithm.default_problem,
        "steps": f"{steps or algorithm.default_steps:,} {algorithm.step_unit}",
        "score": f"{algorithm.score}, {'higher' if algorithm.higher_is_better else 'lower'} is better",
    }


def _fields(values: Mapping[str, Any], known: Sequence[Mapping[str, Any]]) -> list[str]:
    width, lines = max(len(field["name"]) for field in known), []
    for field in known:
        value, default = values[field["name"]], field["default"]
        mark, behind = ("* ", f"  ({default})") if value != default else ("  ", "")
        lines.append(f"{mark}{field['name']:<{width}}  {value}{behind}")
    return lines

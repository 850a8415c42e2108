"""How does a report read in an issue? As Markdown; what a log says stays text there, as it does on the page."""

import re

from tb_lossdiag.diagnosis.report import Cause, Evidence, Report

# What Markdown or an issue tracker would take for markup, a mention or a reference.
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~&@$]")
# These are escaped by their number: a backslash does not stop a mention or a tag.
_BY_NUMBER = "@#<>&"


def to_markdown(report: Report) -> str:
    """Verdict, causes with evidence and fix, what was ruled out, what was not checked, what was skipped."""
    standing = [cause for cause in report.causes if cause.confidence != "ruled_out"]
    ruled_out = [cause for cause in report.causes if cause.confidence == "ruled_out"]
    not_run = [check for check in report.checks if check.state == "not_run"]
    state = report.verdict.state.replace("_", " ").capitalize()
    severity = "" if report.severity == "none" else f" ({report.severity})"
    parts = [f"## {_text(report.run)}", f"**{state}**{severity}: {_text(report.verdict.headline)}"]
    if report.verdict.action:
        parts.append(f"**Next:** {_text(report.verdict.action)}")
    for rank, cause in enumerate(standing, 1):
        parts += _cause(rank, cause)
    if not standing:
        parts.append("No cause found.")
    parts += _listed("Ruled out", [f"{_text(c.title)}: {_why(c)}" for c in ruled_out])
    parts += _listed("Not checked", [_text(f"{c.title}: {c.needs}" if c.needs else c.title) for c in not_run])
    parts += _listed("While reading the log", [_text(note) for note in report.notes])
    return "\n\n".join(parts) + "\n"


def _cause(rank: int, cause: Cause) -> list[str]:
    parts = [f"### {rank}. {_text(cause.title)} ({cause.confidence}, {cause.severity})"]
    if cause.fix.text:
        parts.append(f"**Fix:** {_text(cause.fix.text)}")
    if cause.fix.code:
        parts.append(_fenced(cause.fix.code))
    for title, evidence in (("Speaks for it", cause.evidence_for), ("Speaks against it", cause.evidence_against)):
        if evidence:
            parts.append(f"**{title}**\n" + "".join(f"\n- {_fact(fact)}" for fact in evidence))
    if cause.test:
        parts.append(f"**To settle it:** {_text(cause.test)}")
    return parts


def _listed(title: str, items: list[str]) -> list[str]:
    return [f"### {title}\n" + "".join(f"\n- {item}" for item in items)] if items else []


def _why(cause: Cause) -> str:
    return " ".join(_text(fact.text) for fact in cause.evidence_against or cause.evidence_for)


def _fact(fact: Evidence) -> str:
    compared = []
    if fact.value is not None:
        compared.append(f"measured {fact.value:.4g} {fact.unit}".strip())
    if fact.threshold is not None:
        compared.append(f"threshold {fact.threshold:.4g}")
    if fact.steps is not None:
        first, last = fact.steps
        compared.append(f"step {first}" if first == last else f"steps {first} to {last}")
    return _text(fact.text + (f" ({', '.join(compared)})" if compared else ""))


def _text(text: str) -> str:
    """Text as it stands, on one line."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};" if found[0] in _BY_NUMBER else f"\\{found[0]}", line)


def _fenced(code: str) -> str:
    """Between fences longer than any row of backticks inside."""
    fence = "`" * max(3, 1 + max((len(row) for row in re.findall("`+", code)), default=0))
    return f"{fence}python\n{code}\n{fence}"

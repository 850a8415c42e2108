import pytest

from tb_lossdiag.diagnosis.markdown import to_markdown
from tb_lossdiag.diagnosis.report import Cause, Check, Evidence, Fix, Report, Verdict

FOR = Evidence("The gradient of 'a/kernel' is large.", 7.25, 5.0, "decades", "a source", ("a/kernel",), (1, 20))
CAUSE = Cause("loud", "Too loud", "likely", "critical", (FOR,), test="Listen.", fix=Fix("Turn it down.", "volume = 1"))
OUT = Cause("quiet", "Too quiet", "ruled_out", "note", evidence_against=(Evidence("It is not."),))
NOT_RUN = Check("ears", "Ears", "not_run", needs="a recording")


def report(run="exp 1", headline="Stuck at 2.3.", causes=(CAUSE, OUT), notes=()):
    return Report(run, Verdict("never_learned", headline, "loud", "Turn it down."), causes, (NOT_RUN,), notes)


def test_a_report_reads_verdict_causes_fix_and_what_was_not_checked():
    assert (
        to_markdown(report(notes=("a tag",)))
        == """## exp 1

**Never learned** (critical): Stuck at 2.3.

**Next:** Turn it down.

### 1. Too loud (likely, critical)

**Fix:** Turn it down.

```python
volume = 1
```

**Speaks for it**

- The gradient of 'a/kernel' is large. (measured 7.25 decades, threshold 5, steps 1 to 20)

**To settle it:** Listen.

### Ruled out

- Too quiet: It is not.

### Not checked

- Ears: a recording

### While reading the log

- a tag
"""
    )


def test_a_healthy_report_says_that_nothing_was_found():
    assert "No cause found." in to_markdown(report(causes=()))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("<img src=x>", "&#60;img src=x&#62;"),
        ("a_b*c`d", "a\\_b\\*c\\`d"),
        ("[x](javascript:y)", "\\[x\\](javascript:y)"),
        ("@team #12", "&#64;team &#35;12"),
        ("a\n# b", "a &#35; b"),
    ],
)
def test_a_name_from_a_log_is_no_markup_no_mention_and_no_line_of_its_own(name, written):
    assert to_markdown(report(run=name, headline=name)).startswith(
        f"## {written}\n\n**Never learned** (critical): {written}\n"
    )


def test_code_cannot_end_its_own_fence():
    fix = Fix("", "a = '````'\n```\n<b>")
    text = to_markdown(report(causes=(Cause("c", "C", "likely", "note", fix=fix),)))
    assert "`````python\na = '````'\n```\n<b>\n`````" in text

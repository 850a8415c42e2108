from types import SimpleNamespace

from benchmarks.overhead import page
from benchmarks.overhead.paired import Comparison, Spread
from benchmarks.overhead.table import longer, markdown, parts


def comparison(cpu: float, steps: int = 10) -> Comparison:
    spread = Spread(cpu, cpu - 0.001, cpu + 0.001, 9)
    return Comparison(steps, 0.002, spread, spread)


def test_a_page_holds_what_was_measured_and_no_table_of_what_was_not():
    found = page.Found(torch={"mlp": {"watch(every=10)": comparison(1.2)}})
    (only,) = page.tables(found)
    assert only.title.startswith("PyTorch")
    assert "| MLP | watch(every=10) | 1.200 [1.199 … 1.201]" in markdown(only)


def test_a_cadence_that_took_too_long_is_told_from_a_shorter_one():
    steps = SimpleNamespace(
        between=1e-5,
        control=comparison(1.0),
        by_cadence={page.NEVER: comparison(1.0), 1: comparison(1.1), 10: comparison(1.05)},
    )
    (only,) = page.tables(page.Found(steps={("cnn", False): steps}))
    told = {row[1]: row[2].split()[0] for row in only.rows}
    assert told["every=100 (from every=10)"] == "1.005"
    assert longer(comparison(1.05), 10, 100).steps == 10


def test_a_part_costs_what_leaving_it_out_saves():
    found = parts({"MLP": {"all": comparison(2.0), "write": comparison(1.8), "data": comparison(1.1)}})
    assert found.rows == [("MLP", "2.00", "0.20", "0.70", "0.10")]


def test_fits_in_a_loop_are_held_against_their_goal():
    fits = {"loop": {"the same callback": comparison(1.01), "a new callback": comparison(1.2)}}
    (only,) = page.tables(page.Found(fits=fits))
    assert [row[-1] for row in only.rows] == ["met", "missed"]


def test_growth_is_told_with_its_slope():
    grown = {
        10**n: SimpleNamespace(rows=5, plain=1e-3, extra=1e-3 + 1e-8 * 10**n, trace=1.0, first=2.0) for n in (5, 6, 7)
    }
    (only,) = page.tables(page.Found(elements=grown))
    assert only.note == "Fitted: 1.00 ms + 10.00 ns an element."


def test_memory_is_told_where_both_processes_ended():
    found = page.Found(memory={("mlp", None): 100 * 2**20, ("mlp", 1): 130 * 2**20, ("cnn", None): 5})
    (only,) = page.tables(found)
    assert only.rows == [("MLP", "100 MiB", "+30 MiB")]

"""What does the reader see while verdicts are being made? All runs, and which of them have none yet."""

import json

from playwright.sync_api import expect


def test_runs_without_a_verdict_are_listed_and_asked_for_again(page, entry):
    asked = []

    def answer(route):
        asked.append(route.request.url)
        response = route.fetch()
        runs = response.json()["runs"]
        if len(asked) < 3:
            for run in runs[1:]:
                run |= {"state": "pending", "severity": "none", "headline": "", "cause": None, "cause_title": ""}
        route.fulfill(response=response, body=json.dumps({"runs": runs}))

    page.route("**/data/plugin/lossdiag/runs*", answer)
    entry("&p.lossdiag.run=healthy")
    assert asked[0].endswith("runs?run=healthy")
    count = page.locator("button.run").count()
    assert page.locator("nav.runs header .muted").inner_text() == f"1 of {count} ready"
    expect(page.locator(".run-state", has_text="Not diagnosed yet")).to_have_count(count - 1)
    page.locator("nav.runs header .muted", has_text="worst first").wait_for()
    expect(page.locator(".run-state", has_text="Not diagnosed yet")).to_have_count(0)
    assert page.locator(".verdict-run").inner_text() == "healthy"
    page.unroute_all(behavior="wait")

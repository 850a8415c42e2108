"""Does the page stay readable where the system forces its own few colours on it, and still where it forbids motion?"""

import base64

import pytest
from playwright.sync_api import expect

# WCAG's contrast between two colours as computed styles name them.
CONTRAST = """([one, other]) => {
  const luminance = text => {
    const [red, green, blue] = text.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
      .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}"""
COLOURS = """async png => {
  const bytes = Uint8Array.from(atob(png), char => char.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const ctx = new OffscreenCanvas(image.width, image.height).getContext("2d");
  ctx.drawImage(image, 0, 0);
  const { data } = ctx.getImageData(0, 0, image.width, image.height);
  const colours = new Set();
  for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 3).map(part => part >> 4).join());
  return colours.size;
}"""
STILL = """() => [...document.querySelectorAll("*")].flatMap(element => ["", "::before", "::after"].flatMap(part => {
  const style = getComputedStyle(element, part || null);
  const moves = style.transitionDuration.split(", ").some(time => parseFloat(time) > 0)
    || style.animationName !== "none" || style.scrollBehavior !== "auto";
  return moves ? [element.tagName + "." + element.className + part] : [];
}))"""

# What is told from its ground, 3:1 as WCAG asks of graphical objects.
LEAST = 3


@pytest.fixture(params=["light", "dark"])
def forced(request, page, entry):
    page.emulate_media(forced_colors="active", color_scheme=request.param)
    entry("&p.lossdiag.run=vanishing&p.lossdiag.statistic=gradient_norm&p.lossdiag.row=hidden_1/kernel")
    page.locator(".heatmap canvas").wait_for()
    page.locator(".layer-table tr.selected").wait_for()
    return page


def style(locator, name: str) -> str:
    return locator.evaluate("(element, name) => getComputedStyle(element)[name]", name)


def ground(page) -> str:
    return style(page.locator("body"), "backgroundColor")


def stands_out(page, one: str, other: str) -> bool:
    return page.evaluate(CONTRAST, [one, other]) >= LEAST


def colours(page, locator) -> int:
    """How many clearly different ones are on the screen where the element is."""
    return page.evaluate(COLOURS, base64.b64encode(locator.screenshot()).decode())


def test_axe_finds_nothing(forced, violations):
    assert violations() == []


def test_charts_and_colour_bars_keep_their_colours(forced):
    forced.locator(".distributions canvas").first.wait_for()
    assert colours(forced, forced.locator(".heatmap-head .ramp i")) > 8
    assert colours(forced, forced.locator(".distributions .ramp i")) > 8
    assert colours(forced, forced.locator(".heatmap canvas")) > 5
    assert colours(forced, forced.locator(".distributions canvas").first) > 5
    assert style(forced.locator(".key-marked"), "backgroundColor") != ground(forced)


def test_marks_of_severity_stand_out(forced):
    for icon in forced.locator(".verdict .icon, .finding-head .icon, .runs .icon").all():
        assert stands_out(forced, style(icon, "stroke"), ground(forced))


@pytest.mark.parametrize("target", [".run", ".finding-head", ".chart-plot", ".heatmap", ".distribution", ".scroller"])
def test_the_focus_has_a_ring(forced, target):
    forced.locator(target).first.focus()
    forced.keyboard.press("Shift")
    focused = forced.locator(":focus-visible")
    assert (style(focused, "outlineStyle"), style(focused, "outlineWidth")) == ("solid", "2px")
    assert stands_out(forced, style(focused, "outlineColor"), ground(forced))


def test_frames_on_the_heatmap_are_of_two_colours_so_that_one_is_seen_on_any_cell(forced):
    forced.locator(".heatmap").focus()
    forced.keyboard.press("End")
    forced.locator(".finding-head").first.hover()
    canvas = forced.locator(".heatmap canvas")
    frames = [forced.locator(".heatmap .heat-cell"), forced.locator(".heatmap .lit")]
    for frame in frames:
        assert style(frame, "outlineStyle") == "solid"
        assert stands_out(forced, style(frame, "outlineColor"), style(frame, "boxShadow"))
    forced.mouse.move(5, 5)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    forced.mouse.move(box["x"] + 400, box["y"] + 20)
    forced.mouse.down()
    forced.mouse.move(box["x"] + 600, box["y"] + 80, steps=3)
    brush = forced.locator(".heatmap .brush")
    assert stands_out(forced, style(brush, "outlineColor"), style(brush, "boxShadow"))
    forced.mouse.up()


def test_a_lit_span_and_a_dragged_one_are_framed_on_curves_and_hide_nothing(forced):
    forced.locator(".finding-head").first.hover()
    lit = forced.locator(".chart .lit").first
    assert stands_out(forced, style(lit, "borderLeftColor"), ground(forced))
    plot = forced.locator(".chart .u-over").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    forced.mouse.move(box["x"] + 100, box["y"] + 50)
    forced.mouse.down()
    forced.mouse.move(box["x"] + 300, box["y"] + 50, steps=3)
    dragged = forced.locator(".chart .u-select").first
    assert "inset" in style(dragged, "boxShadow") and style(dragged, "opacity") == "1"
    assert stands_out(forced, style(dragged, "boxShadow"), ground(forced))
    assert style(dragged, "backgroundColor").endswith(", 0)")
    forced.mouse.up()


def test_the_cursors_point_on_a_curve_has_the_colour_of_its_line(forced):
    forced.locator(".chart .u-over").first.hover()
    point = forced.locator(".chart .u-cursor-pt").first
    point.wait_for()
    swatch = forced.locator(".chart .swatch line").first
    assert style(point, "backgroundColor") == style(swatch, "stroke")


def test_a_pressed_button_differs_from_the_others(forced):
    button = forced.get_by_role("button", name="log steps")
    assert style(button, "backgroundColor") == ground(forced)
    button.click()
    forced.mouse.move(5, 5)
    assert stands_out(forced, style(button, "backgroundColor"), ground(forced))
    assert stands_out(forced, style(button, "color"), style(button, "backgroundColor"))


def test_rows_named_by_a_finding_and_the_opened_one_differ_from_the_others(forced):
    named = forced.locator(".layer-table th.suspect").last
    other = forced.locator(".layer-table tbody tr:not(.selected) th:not(.suspect)").first
    opened = forced.locator(".layer-table tr.selected th")
    assert stands_out(forced, style(named, "borderLeftColor"), ground(forced))
    assert style(other, "borderLeftColor") == ground(forced)
    assert stands_out(forced, style(opened, "backgroundColor"), ground(forced))
    name = opened.locator("button")
    assert stands_out(forced, style(name, "color"), style(opened, "backgroundColor"))


def test_charts_are_drawn_for_the_forced_ground_and_not_for_tensorboards_theme(tab, page, address):
    page.emulate_media(forced_colors="active", color_scheme="dark")
    frame = tab("&p.lossdiag.run=vanishing", url=f"{address}?darkMode=false")
    expect(page.locator("body.dark-mode")).to_have_count(0)
    assert frame.evaluate("document.documentElement.dataset.theme") == "dark"
    page.emulate_media(forced_colors="active", color_scheme="light")
    frame.wait_for_function("document.documentElement.dataset.theme === 'light'")


def test_nothing_moves_by_itself_where_motion_is_reduced(page, entry):
    page.emulate_media(reduced_motion="reduce")
    for rest in ("&p.lossdiag.run=vanishing&p.lossdiag.row=hidden_1/kernel", "&p.lossdiag.run=healthy"):
        entry(rest)
        page.locator(".heatmap canvas").wait_for()
        page.locator("summary", has_text="Share").click()
        assert page.evaluate(STILL) == []
        assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    assert any(".content" in moving for moving in page.evaluate(STILL))

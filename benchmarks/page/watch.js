// When was it there, and how long after the event? Runs in every frame before the page's own code. Times in ms since
// the frame began to load; "there" is after the frame in which it was painted.
(() => {
  const marks = {};
  const waiting = { findings: ".finding, .nothing-found, #findings + .hint", heatmap: ".heatmap canvas[style]" };
  let pending = null;
  const painted = then =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => then(performance.now());
      port2.postMessage(0);
    });
  const look = () => {
    for (const [name, selector] of Object.entries(waiting)) {
      if (name in marks || !document.querySelector(selector)) continue;
      marks[name] = null;
      painted(now => {
        marks[name] = now;
      });
    }
    if (!pending) return;
    const { at, answered } = pending;
    pending = null;
    painted(now => answered(now - at));
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  // From an event's own time to the paint after the first change of the page that follows it.
  const latencies = [];
  for (const kind of ["pointermove", "wheel"]) {
    addEventListener(
      kind,
      event => {
        pending = { at: event.timeStamp, answered: taken => latencies.push([kind, taken]) };
      },
      { capture: true, passive: true },
    );
  }
  window.pageBenchmark = { marks, latencies };
})();

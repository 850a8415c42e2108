// The entry that TensorBoard's plugin page calls: loads the style sheet, starts the state, draws the page.

import "uplot/dist/uPlot.min.css";
import "./styles/theme.css";
import "./styles/page.css";
import "./styles/views.css";
import "./styles/answers.css";
import "./styles/timeline.css";
import "./styles/setup.css";
import "./styles/compare.css";
import "./styles/charts.css";
import { render as draw } from "preact";
import { followComparison } from "./compared.ts";
import { followZoom } from "./detail.ts";
import { start } from "./state.ts";
import { Page } from "./views/page.tsx";

/** Resolves once the style sheet is in force, so that nothing is drawn unstyled or in the wrong theme. */
function loadStyles(): Promise<void> {
  return new Promise(resolve => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = new URL("./index.css", import.meta.url).href;
    sheet.onload = () => resolve();
    sheet.onerror = () => resolve();
    document.head.append(sheet);
  });
}

export async function render(): Promise<void> {
  await loadStyles();
  start();
  followZoom();
  followComparison();
  draw(<Page />, document.body);
}

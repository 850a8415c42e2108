// Which part of a picture over steps does the reader drag over? Its steps become those of all charts.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { showSteps } from "../state.ts";
import type { Plot } from "./heatmap_canvas.ts";
import { type StepAxis, stepAt } from "./step_axis.ts";

/** From where to where, in CSS pixels of the plot. */
export interface Drag {
  x: number;
  y: number;
  toX: number;
  toY: number;
}

/** A pointer that moves less between down and up has clicked. CSS pixels. */
const CLICK = 5;

/** What was dragged over when the pointer was let go. isClick: nothing was. */
interface Dragged {
  isClick: boolean;
  top: number;
  bottom: number;
}

export function useDrag(canvas: RefObject<HTMLCanvasElement | null>, plot: Plot, axis: StepAxis) {
  const drag = useSignal<Drag | null>(null);
  const placeUnder = (event: MouseEvent) => {
    const box = canvas.current?.getBoundingClientRect();
    return { x: event.clientX - (box?.left ?? 0) - plot.left, y: event.clientY - (box?.top ?? 0) };
  };
  const press = (event: PointerEvent & { currentTarget: HTMLElement }) => {
    const { x, y } = placeUnder(event);
    if (event.button !== 0 || x < 0 || y > plot.height || event.target !== canvas.current) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drag.value = { x, y, toX: x, toY: y };
  };
  const follow = (event: PointerEvent) => {
    if (!drag.value) return;
    const { x, y } = placeUnder(event);
    const clamp = (value: number, most: number) => Math.max(0, Math.min(most, value));
    drag.value = { ...drag.value, toX: clamp(x, plot.width), toY: clamp(y, plot.height) };
  };
  const release = (): Dragged | null => {
    const span = drag.value;
    drag.value = null;
    if (!span) return null;
    const { x, y, toX, toY } = span;
    const isClick = Math.hypot(toX - x, toY - y) < CLICK;
    const [from, to] = [Math.min(x, toX), Math.max(x, toX)];
    if (to - from >= CLICK) showSteps(stepAt(from / plot.width, axis), stepAt(to / plot.width, axis));
    return { isClick, top: Math.min(y, toY), bottom: Math.max(y, toY) };
  };
  const cancel = () => {
    drag.value = null;
  };
  return { drag: drag.value, placeUnder, press, follow, release, cancel };
}

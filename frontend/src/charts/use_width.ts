// How wide is this element now? Charts are drawn in pixels and follow the frame.

import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** CSS pixels, 0 before the first layout; a hidden tab keeps the last width. */
export function useWidth(element: RefObject<HTMLElement | null>): Signal<number> {
  const width = useSignal(0);
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const read = () => {
      if (target.clientWidth > 0) width.value = target.clientWidth;
    };
    const observer = new ResizeObserver(read);
    observer.observe(target);
    read();
    return () => observer.disconnect();
  }, [element, width]);
  return width;
}

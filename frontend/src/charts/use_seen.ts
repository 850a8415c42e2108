// Is this element in view, or about to be? What is not need not follow the hand.

import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** CSS pixels beyond the view: what scrolls in has been drawn by then. */
const AHEAD = 200;

/** True until the browser says otherwise. */
export function useSeen(element: RefObject<HTMLElement | null>): Signal<boolean> {
  const isSeen = useSignal(true);
  useEffect(() => {
    const target = element.current;
    if (!target) return;
    const observer = new IntersectionObserver(
      entries => {
        isSeen.value = entries.at(-1)?.isIntersecting ?? true;
      },
      { rootMargin: `${AHEAD}px 0px` },
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [element, isSeen]);
  return isSeen;
}

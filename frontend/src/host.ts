// What does TensorBoard, the page around our frame, tell us and let us say? Theme, visibility, reloads and the address.

import { signal } from "@preact/signals";
import { formatHash, isOurTab, type Place, parseHash } from "./hash.ts";

export type Theme = "light" | "dark";

export const theme = signal<Theme>("light");

/** False while another tab of TensorBoard, or of the browser, is in front. */
export const visible = signal(true);

/** TensorBoard's own window, or ours when the entry page is opened alone or the parent is of a foreign origin. */
const host: Window = reachableParent();

function reachableParent(): Window {
  try {
    return window.parent.document ? window.parent : window;
  } catch {
    return window;
  }
}

/** Follows the host from now on. onReload: TensorBoard's reload button; onPlace: the address was changed by hand. */
export function follow(onReload: () => void, onPlace: (place: Place) => void): void {
  followTheme();
  followVisibility();
  followMessages(onReload);
  host.addEventListener("hashchange", () => onPlace(readPlace()));
  nameFrame();
}

export function readPlace(): Place {
  return parseHash(host.location.hash);
}

/** Writes the place into the address without a history entry, unless another tab's address stands there. */
export function writePlace(place: Place): void {
  const { hash } = host.location;
  if (host !== window && !isOurTab(hash)) return;
  const next = formatHash(hash, place);
  // The whole path: our own entry page has a <base>, and a bare hash would be taken as relative to that.
  const { pathname, search } = host.location;
  if (next !== hash) host.history.replaceState(host.history.state, "", pathname + search + next);
}

/** The address to hand to a colleague. */
export function link(): string {
  return host.location.href;
}

/**
 * TensorBoard tells its plugins nothing about dark mode: it toggles a class on its own body. Where the system forces its
 * colours on the page, the ground has the system's, whatever TensorBoard's theme, and charts must be seen on that.
 */
function followTheme(): void {
  const isDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isForced = window.matchMedia("(forced-colors: active)");
  const { body } = host.document;
  const isOfSystem = () => host === window || isForced.matches;
  const read = () => setTheme(isOfSystem() ? isDark.matches : body.classList.contains("dark-mode"));
  for (const media of [isDark, isForced]) media.addEventListener("change", read);
  new MutationObserver(read).observe(body, { attributes: true, attributeFilter: ["class"] });
  read();
}

function setTheme(dark: boolean): void {
  // The attribute first: whoever reads the signal next reads the new colours from the style sheet.
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  theme.value = dark ? "dark" : "light";
}

/**
 * TensorBoard squeezes a hidden frame to zero height, which still intersects: hence its size beside its place in view.
 * The observers are the host's own, for in a frame that is not shown nobody may be told.
 */
function followVisibility(): void {
  const frame = window.frameElement ?? document.documentElement;
  let inView = true;
  const read = () => {
    visible.value = inView && frame.clientHeight > 0 && !document.hidden;
  };
  const { IntersectionObserver, ResizeObserver } = host as Window & typeof globalThis;
  new IntersectionObserver(entries => {
    inView = entries.at(-1)?.isIntersecting ?? true;
    read();
  }).observe(frame);
  new ResizeObserver(read).observe(frame);
  document.addEventListener("visibilitychange", read);
}

/** TensorBoard's experimental plugin protocol: JSON texts over a port, each answered. */
function followMessages(onReload: () => void): void {
  if (window.parent === window) return;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = event => {
    const { type, id, isReply } = JSON.parse(String(event.data)) as { type: string; id: number; isReply: boolean };
    if (isReply) return;
    port1.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: true }));
    if (type === "experimental.DataReloaded") onReload();
  };
  window.parent.postMessage("experimental.bootstrap", "*", [port2]);
}

function nameFrame(): void {
  document.documentElement.lang = "en";
  document.title = "Diagnostics";
  if (host !== window) {
    window.frameElement?.setAttribute("title", "Diagnostics");
  }
}

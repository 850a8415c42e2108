// Which colour does a canvas paint with? Canvases cannot read custom properties by themselves.

/** The value of a custom property of theme.css in the theme of now. */
export function colour(property: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(property).trim();
}

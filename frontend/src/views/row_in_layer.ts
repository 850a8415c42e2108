// What is a row called in its layer's own panel, where no more of its name is needed than what differs?

export function rowInLayer(name: string, layer: string): string {
  if (name === layer) return "output";
  return name.startsWith(`${layer}/`) ? name.slice(layer.length + 1) : name;
}

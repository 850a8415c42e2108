// How do numbers and pictures leave the page? As files, named after what they show.

/** Saves rows of text as CSV; what a spreadsheet would take for a formula is made plain text. */
export function downloadCsv(title: string, rows: readonly (readonly string[])[]): void {
  save(`${fileName(title)}.csv`, new Blob([csv(rows)], { type: "text/csv" }));
}

export function downloadPicture(title: string, canvas: HTMLCanvasElement): void {
  canvas.toBlob(blob => blob && save(`${fileName(title)}.png`, blob), "image/png");
}

export function csv(rows: readonly (readonly string[])[]): string {
  return rows.map(row => `${row.map(cell).join(",")}\r\n`).join("");
}

function cell(text: string): string {
  // A log's names are not ours: "=HYPERLINK(…)" must not run in whoever's spreadsheet. Numbers stay numbers.
  const isFormula = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) && !/^[+-](NaN|Infinity)$/.test(text);
  const plain = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Letters, digits, dots and dashes of a text, which every file system takes. */
export function fileName(text: string): string {
  const plain = text.replace(/[^\p{L}\p{N}.]+/gu, "-").replace(/^[-.]+|-+$/g, "");
  return plain.slice(0, 80) || "lossdiag";
}

function save(name: string, blob: Blob): void {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}

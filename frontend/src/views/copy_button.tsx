// A button that copies, and says whether it did.

import { useSignal } from "@preact/signals";
import { copyText } from "../copy.ts";

const SAID_MS = 2000;

export function CopyButton({ text, label }: { text: string | (() => string); label: string }) {
  const said = useSignal("");
  const copy = async () => {
    const done = await copyText(typeof text === "string" ? text : text());
    said.value = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => {
      said.value = "";
    }, SAID_MS);
  };
  return (
    <button type="button" class="quiet" onClick={copy}>
      <span aria-live="polite">{said.value || label}</span>
    </button>
  );
}

export function Code({ code, label }: { code: string; label: string }) {
  return (
    <div class="code">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, which must work from the keyboard */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
      <CopyButton text={code} label={label} />
    </div>
  );
}

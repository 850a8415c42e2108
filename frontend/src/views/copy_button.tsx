// A button that copies, and says whether it did.

import { useSignal } from "@preact/signals";
import { copyText } from "../copy.ts";

const SAID_MS = 2000;

interface Props {
  label: string;
  /** What to copy, or how to get it at the click. */
  text: string | (() => string | Promise<string>);
}

export function CopyButton({ text, label }: Props) {
  const said = useSignal("");
  const copy = async () => {
    said.value = await copied(text);
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

async function copied(text: Props["text"]): Promise<string> {
  try {
    return (await copyText(typeof text === "string" ? text : await text())) ? "Copied" : "Press Ctrl+C";
  } catch {
    return "No answer";
  }
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

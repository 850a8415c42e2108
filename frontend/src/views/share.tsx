// How does the answer get to somebody else? A link, the report for an issue, and the report as data.

import { answerUrl, fetchMarkdown } from "../api.ts";
import { linkHere } from "../state.ts";
import { CopyButton } from "./copy_button.tsx";
import { Menu } from "./menu.tsx";

export function Share({ run }: { run: string }) {
  return (
    <Menu label="Share">
      <CopyButton label="Copy link to this view" text={linkHere} />
      <CopyButton label="Copy report as Markdown" text={() => fetchMarkdown(run)} />
      <a class="quiet" href={answerUrl("report.md", { run })} download="report.md">
        Download Markdown
      </a>
      <a class="quiet" href={answerUrl("report", { run })} download="report.json">
        Download JSON
      </a>
    </Menu>
  );
}

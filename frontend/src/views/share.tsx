// How does the answer get to somebody else? A link, the report for an issue, and its numbers.

import { answerUrl, fetchMarkdown } from "../api.ts";
import { downloadCsv } from "../download.ts";
import { checksCsv } from "../report_csv.ts";
import { linkHere } from "../state.ts";
import type { Report } from "../wire.ts";
import { CopyButton } from "./copy_button.tsx";
import { Menu } from "./menu.tsx";

export function Share({ report }: { report: Report }) {
  const { run } = report;
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
      <button type="button" class="quiet" onClick={() => downloadCsv(`${run} checks`, checksCsv(report.checks))}>
        Download checks as CSV
      </button>
    </Menu>
  );
}

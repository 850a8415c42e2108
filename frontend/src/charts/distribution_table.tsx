// Which shares does a distribution show? A column per bucket.

import { useMemo } from "preact/hooks";
import { measured } from "../format.ts";
import { stepUnit } from "../state.ts";
import type { Histogram } from "../wire.ts";
import { bucketCsv } from "./buckets.ts";
import { StepTable } from "./step_table.tsx";

export function DistributionTable(props: { title: string; histogram: Histogram; height: number }) {
  const { title, histogram, height } = props;
  const unit = stepUnit.value;
  const csv = useMemo(() => bucketCsv(histogram, unit), [histogram, unit]);
  const label = `${title} as a table, the share of the values in each bucket`;
  return <StepTable label={label} csv={csv} height={height} cell={shown} />;
}

function shown(share: string): string {
  return share === "0" ? "0" : measured(Number(share), "share");
}

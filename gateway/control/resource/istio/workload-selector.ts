import type { At } from '../reader/at.ts';
import { mapOf } from '../reader/collections.ts';
import { type Reader, refine } from '../reader/reader.ts';
import { record } from '../reader/record.ts';
import { text } from '../reader/scalars.ts';
import type { Labels } from '../resource.ts';

const noWildcard = (at: At): string | undefined => {
  const value = text(at);
  return value?.includes('*')
    ? at.report({ message: 'A * selects nothing in a selector: write the whole value.' })
    : value;
};
const key: Reader<string> = (at) =>
  at.key === '' || String(at.key).includes('*')
    ? at.reportKey({ message: `"${at.key}" is not a label name.` })
    : String(at.key);

/** `workloadSelector` of a DestinationRule: the labels that a workload must carry. */
export const workloadSelector: Reader<Labels> = refine(
  record({ matchLabels: mapOf(noWildcard, { key }) }),
  (value, at) => {
    if (Object.keys(value.matchLabels ?? {}).length === 0)
      at.reportKey({ severity: 'warning', message: 'This selects every workload: write matchLabels, or remove it.' });
    return value.matchLabels ?? {};
  },
);

import { UNIT_KINDS, type UnitChanges } from '../../snapshot/diff.ts';
import { SNAPSHOT_SCHEMA, type SnapshotUnits, type UnitKind } from '../../snapshot/snapshot.ts';
import { UNIT } from '../../snapshot/snapshot-files.ts';
import { tablesOf } from '../../snapshot/units.ts';

const NOTHING_REMOVED: UnitChanges['remove'] = { listeners: [], virtualHosts: [], clusters: [], certificates: [] };

/** The text of a file with all units of a version, piece by piece: nobody waits for all of it at once. */
export function fullText(version: number, units: SnapshotUnits): Generator<string> {
  const tables = tablesOf(units);
  return text({ from: 0, to: version }, (kind) => tables[kind].entries(), NOTHING_REMOVED);
}

/** The text of a file that leads from one version to another. */
export function deltaText(from: number, to: number, { set, remove }: UnitChanges): Generator<string> {
  return text({ from, to }, (kind) => Object.entries(set[kind]), remove);
}

/** Every kind and every unit has a line of its own, so that it can be read piece by piece as well. */
function* text(
  { from, to }: { readonly from: number; readonly to: number },
  unitsOf: (kind: UnitKind) => Iterable<readonly [key: string, unit: object]>,
  remove: UnitChanges['remove'],
): Generator<string> {
  yield `{"schema":${SNAPSHOT_SCHEMA},"from":${from},"to":${to},"set":{`;
  for (const [index, kind] of UNIT_KINDS.entries()) {
    yield `${index === 0 ? '' : ','}\n"${kind}":{`;
    let separator = '';
    for (const [key, unit] of unitsOf(kind)) {
      yield `${separator}\n${UNIT}${JSON.stringify(key)}:${JSON.stringify(unit)}`;
      separator = ',';
    }
    yield '\n}';
  }
  yield `\n},"remove":${JSON.stringify(remove)}}\n`;
}

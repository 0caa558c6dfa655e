import { UNIT_KINDS, type UnitChanges } from '../../snapshot/diff.ts';
import { SNAPSHOT_SCHEMA } from '../../snapshot/snapshot.ts';
import { UNIT } from '../../snapshot/snapshot-files.ts';

/**
 * The text of a snapshot file, piece by piece: nobody waits for all of it at once. Every kind and every unit has a line
 * of its own, so that it can be read piece by piece as well.
 */
export function* snapshotText(from: number, to: number, { set, remove }: UnitChanges): Generator<string> {
  yield `{"schema":${SNAPSHOT_SCHEMA},"from":${from},"to":${to},"set":{`;
  for (const [index, kind] of UNIT_KINDS.entries()) {
    yield `${index === 0 ? '' : ','}\n"${kind}":{`;
    let separator = '';
    for (const [key, unit] of Object.entries(set[kind])) {
      yield `${separator}\n${UNIT}${JSON.stringify(key)}:${JSON.stringify(unit)}`;
      separator = ',';
    }
    yield '\n}';
  }
  yield `\n},"remove":${JSON.stringify(remove)}}\n`;
}

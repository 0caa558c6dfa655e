import { UNIT_KINDS, type UnitChanges } from '../../snapshot/diff.ts';
import { SNAPSHOT_SCHEMA } from '../../snapshot/snapshot.ts';

/** The text of a snapshot file, piece by piece: nobody waits for all of it at once. */
export function* snapshotText(from: number, to: number, { set, remove }: UnitChanges): Generator<string> {
  yield `{"schema":${SNAPSHOT_SCHEMA},"from":${from},"to":${to},"set":{`;
  for (const [index, kind] of UNIT_KINDS.entries()) {
    yield `${index === 0 ? '' : ','}"${kind}":{`;
    let separator = '';
    for (const [key, unit] of Object.entries(set[kind])) {
      yield `${separator}${JSON.stringify(key)}:${JSON.stringify(unit)}`;
      separator = ',';
    }
    yield '}';
  }
  yield `},"remove":${JSON.stringify(remove)}}`;
}

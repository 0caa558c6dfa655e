import type { ObjectItem } from '../api/object-schema.ts';
import { callAdmin } from './client.ts';
import type { CliDeps, CliIo } from './deps.ts';
import { adminTargets } from './find-admin.ts';
import { type ObjectName, parseObject } from './kinds.ts';
import { formatObject } from './object-text.ts';
import { formatData } from './output.ts';
import { successOf } from './refusal.ts';
import type { TrafficOptions } from './traffic.ts';

/** `describe KIND NAME`: where an object comes from, what became of it, what the workers serve of it. */
export async function describe(
  words: readonly string[],
  options: TrafficOptions,
  deps: Pick<CliDeps, 'pageOf'>,
  io: CliIo,
): Promise<void> {
  const path = pathOf(parseObject(words, options.namespace));
  const body = successOf(await callAdmin(adminTargets(options, io), { method: 'GET', path }));
  if (options.output === 'json' || options.output === 'yaml') return io.out(formatData(body, options.output));
  io.out(formatObject(body as ObjectItem, { wide: options.output === 'wide', pageOf: deps.pageOf }));
}

function pathOf({ kind, namespace, name }: ObjectName): string {
  const parts = [kind, namespace === '' ? '-' : namespace, name];
  return `/api/v1/objects/${parts.map(encodeURIComponent).join('/')}`;
}

import type { ShiftResultItem } from '../api/schemas.ts';
import { callAdmin } from './client.ts';
import type { CliIo } from './deps.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { type AdminOptions, adminTargets } from './find-admin.ts';
import { formatData, type OutputFormat } from './output.ts';
import { plural } from './plural.ts';
import { successOf } from './refusal.ts';
import { parseVirtualService, trafficPath } from './virtual-service.ts';
import { printWarnings } from './warnings.ts';

export type ShiftOptions = AdminOptions & {
  readonly output: OutputFormat;
  readonly namespace?: string;
  readonly route?: string;
  readonly reason?: string;
  readonly ifMatch?: string;
};

/** `shift VIRTUALSERVICE KEY=WEIGHT...`: returns when every worker serves the new weights. */
export async function shift(target: string, pairs: readonly string[], options: ShiftOptions, io: CliIo): Promise<void> {
  const weights = parseWeights(pairs);
  const response = await callAdmin(adminTargets(options, io), {
    method: 'PUT',
    path: trafficPath(parseVirtualService(target, options.namespace)),
    body: {
      weights,
      ...(options.route === undefined ? {} : { route: options.route }),
      ...(options.reason === undefined ? {} : { reason: options.reason }),
    },
    ...(options.ifMatch === undefined ? {} : { headers: { 'if-match': quoted(options.ifMatch) } }),
  });
  const result = successOf(response, Object.keys(weights));
  printWarnings(io, (result as ShiftResultItem).warnings);
  if (options.output === 'json' || options.output === 'yaml') return io.out(formatData(result, options.output));
  io.out(describe(result as ShiftResultItem));
}

function parseWeights(pairs: readonly string[]): Record<string, number> {
  const weights = new Map<string, number>();
  for (const pair of pairs) {
    const [, key = '', text = ''] = /^(.+)=([^=]*)$/.exec(pair) ?? [];
    if (key === '') throw new CliError(exitCodes.usage, `${pair} is not a weight: write SUBSET=WEIGHT, such as v1=90`);
    if (!/^\d{1,10}$/.test(text)) {
      throw new CliError(exitCodes.usage, `the weight of ${key} must be a whole number from 0 on, not "${text}"`);
    }
    if (weights.has(key)) throw new CliError(exitCodes.usage, `${key} is named twice`);
    weights.set(key, Number(text));
  }
  return Object.fromEntries(weights);
}

/** Entity tags are quoted; shells eat quotes, so they may be left out. */
function quoted(tag: string): string {
  return tag === '*' || tag.includes('"') ? tag : `"${tag}"`;
}

function describe(result: ShiftResultItem): string {
  const object = `${result.namespace}/${result.virtualService}`;
  const weights = Object.entries(result.weights).map(([key, weight]) => {
    const before = result.before[key];
    return before === undefined || before === weight ? `${key}=${weight}` : `${key}=${weight} (was ${before})`;
  });
  const served = `version ${result.version}, served by ${plural(result.workers.length, 'worker')} of ${result.node}`;
  const edited = result.source === undefined || !result.changed ? '' : `\nedited ${result.source}`;
  return `${object} route ${result.route}: ${weights.join(', ')}${result.changed ? '' : ' (as before)'}\n${served}${edited}\n`;
}

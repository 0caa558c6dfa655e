import type { TrafficItem } from '../api/schemas.ts';
import { callAdmin } from './client.ts';
import type { CliIo } from './deps.ts';
import { type AdminOptions, adminTargets } from './find-admin.ts';
import { formatData, type OutputFormat } from './output.ts';
import { successOf } from './refusal.ts';
import { formatTable } from './table.ts';
import { parseVirtualService, trafficPath } from './virtual-service.ts';
import { printWarnings } from './warnings.ts';

export type TrafficOptions = AdminOptions & { readonly output: OutputFormat; readonly namespace?: string };

/** `traffic VIRTUALSERVICE`: its rules and their weights, keyed as `shift` wants them. */
export async function traffic(target: string, options: TrafficOptions, io: CliIo): Promise<void> {
  const path = trafficPath(parseVirtualService(target, options.namespace));
  const body = successOf(await callAdmin(adminTargets(options, io), { method: 'GET', path }));
  const view = body as TrafficItem;
  printWarnings(io, view.warnings);
  if (options.output === 'json' || options.output === 'yaml') return io.out(formatData(body, options.output));
  const rows = view.routes.flatMap(({ route, destinations }) => {
    const sum = destinations.reduce((total, { weight }) => total + weight, 0);
    return destinations.map((destination) => ({ route, sum, ...destination }));
  });
  io.out(
    formatTable(
      rows,
      [
        { title: 'ROUTE', cell: ({ route }) => route },
        { title: 'KEY', cell: ({ key }) => key },
        { title: 'WEIGHT', cell: ({ weight }) => weight },
        { title: 'SHARE', cell: ({ weight, sum }) => (sum === 0 ? '' : `${Math.round((weight * 1_000) / sum) / 10}%`) },
        { title: 'HOST', cell: ({ host, port }) => (port === undefined ? host : `${host}:${port}`) },
      ],
      { wide: options.output === 'wide' },
    ),
  );
  io.err(`${view.source ?? 'source unknown'}, entity tag ${view.etag.replaceAll('"', '')}, version ${view.version}\n`);
}

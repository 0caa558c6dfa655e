import { didYouMean } from '../../gateway/support/did-you-mean.ts';
import { callAdmin } from './client.ts';
import type { CliIo } from './deps.ts';
import { CliError, exitCodes } from './exit-codes.ts';
import { type AdminOptions, adminTargets } from './find-admin.ts';
import { formatData, type OutputFormat } from './output.ts';
import { successOf } from './refusal.ts';
import { resources } from './resources.ts';
import { formatStatus } from './status.ts';

const names = [...resources.map(({ name }) => name), 'status'];

/** `get RESOURCE`: one list of the running gateway, or its status. */
export async function get(
  name: string,
  options: AdminOptions & { readonly output: OutputFormat },
  io: CliIo,
): Promise<void> {
  const resource = resources.find((one) => one.name === name || one.alias === name);
  if (resource === undefined && name !== 'status') throw unknownResource(name);
  const path = `/api/v1/${resource?.name ?? 'status'}`;
  const body = successOf(await callAdmin(adminTargets(options, io), { method: 'GET', path }));
  if (options.output === 'json' || options.output === 'yaml') return io.out(formatData(body, options.output));
  if (resource === undefined) return io.out(formatStatus(body));
  const { items } = body as { items: readonly unknown[] };
  if (items.length === 0) return io.err(`There are no ${resource.name}.\n`);
  io.out(resource.table(items, { wide: options.output === 'wide' }));
}

function unknownResource(name: string): CliError {
  const near = didYouMean(name, names);
  return new CliError(
    exitCodes.usage,
    `there is no ${name} to get${near === undefined ? '' : ` (did you mean ${near}?)`}; there are ${names.join(', ')}`,
  );
}

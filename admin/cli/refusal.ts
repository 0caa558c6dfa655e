import { didYouMean } from '../../gateway/support/did-you-mean.ts';
import type { AdminResponse } from './client.ts';
import { CliError, exitCodes } from './exit-codes.ts';

type Details = {
  readonly validKeys?: readonly string[];
  readonly routes?: readonly { readonly route: string; readonly destinations: readonly { readonly key: string }[] }[];
};

/** The body of a successful answer, or a `CliError` with what the API said, in its own words. */
export function successOf(response: AdminResponse, sentKeys: readonly string[] = []): unknown {
  if (response.status >= 200 && response.status < 300) return response.body;
  const { error } = (response.body ?? {}) as { error?: { message?: unknown; details?: Details } };
  const message = typeof error?.message === 'string' ? error.message : `the admin API answered ${response.status}`;
  const hints = [...suggestKeys(sentKeys, error?.details), ...listRoutes(error?.details)];
  throw new CliError(exitCodes.failed, [message, ...hints].join('\n'));
}

function suggestKeys(sent: readonly string[], details: Details | undefined): string[] {
  const valid = details?.validKeys ?? [];
  const open = valid.filter((key) => !sent.includes(key));
  return sent.flatMap((key) => {
    const near = valid.includes(key) ? undefined : didYouMean(key, open);
    return near === undefined ? [] : [`did you mean ${near} instead of ${key}?`];
  });
}

function listRoutes(details: Details | undefined): string[] {
  return (details?.routes ?? []).map(
    ({ route, destinations }) => `  --route ${route}  (${destinations.map(({ key }) => key).join(', ')})`,
  );
}

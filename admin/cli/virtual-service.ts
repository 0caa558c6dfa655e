import { CliError, exitCodes } from './exit-codes.ts';

export type VirtualServiceName = { readonly namespace: string; readonly name: string };

/** `NAME` or `NAMESPACE/NAME`, with the namespace of `-n` or `default`. */
export function parseVirtualService(text: string, namespace: string | undefined): VirtualServiceName {
  const parts = text.split('/');
  const [first = '', second] = parts;
  if (parts.length > 2 || parts.includes('')) {
    throw new CliError(
      exitCodes.usage,
      `${text || 'an empty name'} is not a VirtualService: write NAME or NAMESPACE/NAME`,
    );
  }
  if (second === undefined) return { namespace: namespace ?? 'default', name: first };
  if (namespace !== undefined && namespace !== first) {
    throw new CliError(exitCodes.usage, `${text} and -n ${namespace} name different namespaces`);
  }
  return { namespace: first, name: second };
}

/** Path of its traffic in the admin API. */
export function trafficPath({ namespace, name }: VirtualServiceName): string {
  return `/api/v1/traffic/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
}

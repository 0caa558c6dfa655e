import { isIP } from 'node:net';
import { type Reader, refine } from '../../reader/reader.ts';
import { integer, text } from '../../reader/scalars.ts';

/** `bind`: an address, or the path of a Unix socket. */
export const bindAddress: Reader<string> = refine(text, (value, at) => {
  const path = value.startsWith('unix://') ? value.slice('unix://'.length) : undefined;
  const isGood = path === undefined ? value === '' || isIP(value) !== 0 : /^(?:@|\/.*[^/]$)/.test(path);
  if (!isGood) return at.report({ message: `"${value}" is neither an IP address nor unix:///path.` });
  if (path !== undefined)
    at.report({ severity: 'warning', message: 'Unix sockets are not listened on; in Istio, the port is then 0.' });
  return value;
});

/** `targetPort`, which is for Services. */
export const targetPort: Reader<number> = refine(integer({ min: 0, max: 2 ** 32 - 1 }), (value, at) => {
  if (value > 0) at.report({ severity: 'warning', message: 'A Gateway has no use for targetPort: Istio refuses it.' });
  return value;
});

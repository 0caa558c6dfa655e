import { parseHost } from '#gateway/proxy/codec/host.ts';
import { normalizePath, type PathMode } from '#gateway/proxy/codec/path.ts';
import { type ClientHello, ClientHelloReader } from '#gateway/proxy/tls/client-hello.ts';
import type { Random } from './random.ts';
import type { Reading } from './readings.ts';

/** A property that an input broke. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export function ensure(holds: boolean, what: string, ...details: unknown[]): asserts holds {
  if (!holds) throw new Broken([what, ...details.map((detail) => JSON.stringify(detail))].join('\n  '));
}

/** Whatever the split, whatever the offsets in the buffers: one reading. */
export function sameInAnySplit(
  read: (pieces: readonly Buffer[], shift: () => number) => Reading,
  bytes: Buffer,
  random: Random,
): Reading {
  const whole = read([bytes], () => 0);
  const pieces = random.split(bytes);
  const shifts = random.oneIn(2);
  const split = read(pieces, () => (shifts ? random.below(5) : 0));
  ensure(
    JSON.stringify(whole) === JSON.stringify(split),
    'a split changed the reading',
    whole,
    split,
    pieces.map((piece) => piece.length),
  );
  return whole;
}

/** Where one parser of two took a message that the other did not, in words for the tally; undefined when they agree as far as they go. */
export function compareReadings(ours: Reading, theirs: Reading): string | undefined {
  for (let i = 0; ; i++) {
    const [our, their] = [ours.messages[i], theirs.messages[i]];
    if (our?.complete && their?.complete) {
      ensure(JSON.stringify(our) === JSON.stringify(their), 'two readings of one message', our, their);
      continue;
    }
    if (our?.complete)
      return `only-ours ${theirs.end}${saidProxyClose(theirs) ? ' after Proxy-Connection: close' : ''}`;
    if (!their?.complete) return undefined;
    ensure(ours.end !== 'incomplete' && ours.end !== 'end', 'Node ends a message where we wait for more', ours, theirs);
    return `only-node ${ours.end}`;
  }
}

/** Did the last message Node took say `close` in Proxy-Connection (names and values stand in turns)? */
function saidProxyClose({ messages }: Reading): boolean {
  const headers = messages.at(-1)?.headers ?? [];
  return headers.some((name, i) => name === 'proxy-connection' && /\bclose\b/i.test(headers[i + 1] ?? ''));
}

const MODES: readonly PathMode[] = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'];

/** A normalised path is absolute, has nothing left to normalise, and stays as it is when normalised again. */
export function checkPath(target: string): boolean {
  let accepted = false;
  for (const mode of MODES) {
    const { path, query, target: forwarded, error } = normalizePath(target, mode);
    if (error !== 0) continue;
    accepted = true;
    ensure(path.startsWith('/') && !path.includes('?'), 'not an absolute path', mode, target, path);
    ensure(
      forwarded === path + target.slice(queryStart(target)),
      'matched and forwarded differ',
      mode,
      target,
      forwarded,
    );
    ensure(query === target.slice(queryStart(target) + 1), 'the query was touched', mode, target, query);
    if (mode === 'NONE') continue;
    ensure(
      !/[\\"<>^`{|}]|\/\.{1,2}(\/|$)|%00|%(2d|2e|5f|7e|3\d|[46][1-9a-f]|[57][0-9a])/i.test(path),
      'left to normalise',
      mode,
      target,
      path,
    );
    if (mode !== 'BASE') ensure(!path.includes('//'), 'slashes left', mode, target, path);
    if (mode === 'DECODE_AND_MERGE_SLASHES') ensure(!/%2f|%5c/i.test(path), 'escaped slashes left', target, path);
    const again = normalizePath(forwarded, mode);
    ensure(again.error === 0 && again.target === forwarded, 'not stable', mode, target, forwarded, again.target);
  }
  return accepted;
}

/** A host that is taken is lower case, has no port in it, and reads the same when written out again. */
export function checkHost(value: string): boolean {
  const parsed = parseHost(value);
  if (parsed === undefined) return false;
  const { host, port } = parsed;
  ensure(/^([a-z0-9._~-]+|\[[0-9a-f:.]+\])$/.test(host) && !host.endsWith('.'), 'an odd host', value, host);
  ensure(port === -1 || (port > 0 && port < 65_536), 'an odd port', value, port);
  const again = parseHost(port === -1 ? host : `${host}:${port}`);
  ensure(again?.host === host && again.port === port, 'not stable', value, parsed, again);
  return true;
}

/** A ClientHello reads the same in any split, and all its bytes are there to be given back. */
export function checkClientHello(bytes: Buffer, random: Random): boolean {
  const [whole] = readHello([bytes]);
  const pieces = random.split(bytes);
  const [split, reader] = readHello(pieces);
  ensure(JSON.stringify(whole) === JSON.stringify(split), 'a split changed the ClientHello', whole, split);
  const kept = Buffer.concat(reader.chunks);
  ensure(kept.equals(bytes.subarray(0, kept.length)), 'bytes were lost or changed');
  return typeof whole === 'object';
}

function readHello(pieces: readonly Buffer[]): [ClientHello | string | undefined, ClientHelloReader] {
  const reader = new ClientHelloReader();
  for (const piece of pieces) {
    const result = reader.push(piece);
    if (result !== undefined) return [result, reader];
  }
  return [undefined, reader];
}

function queryStart(target: string): number {
  const at = target.indexOf('?');
  return at === -1 ? target.length : at;
}

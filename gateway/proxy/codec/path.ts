import { latin1 } from '../../support/latin1.ts';
import { DOT, HEX, PERCENT, SLASH, UNRESERVED } from './bytes.ts';
import { HeadError, type HeadErrorCode } from './head-error.ts';

/**
 * Istio's `pathNormalization.normalization`. BASE is Envoy's `normalize_path`: dot segments (also written `%2e`) resolved, `\` read
 * as `/`, escaped unreserved characters unescaped, bytes that RFC 3986 excludes escaped, all else kept, the case of hex digits too.
 * MERGE_SLASHES merges slashes after that; DECODE_AND_MERGE_SLASHES unescapes `%2f` and `%5c` before it
 * (https://istio.io/latest/docs/reference/config/security/normalization, Envoy's `path_with_escaped_slashes_action`).
 */
export type PathMode = 'NONE' | 'BASE' | 'MERGE_SLASHES' | 'DECODE_AND_MERGE_SLASHES';

/** A path as it is matched AND as it is forwarded. */
export type NormalizedPath = {
  /** Without the query; begins with `/`, or is `*`. */
  readonly path: string;
  /** After the first `?`, untouched; empty when there is none. */
  readonly query: string;
  /** Path and query to send on; the very string that came in when nothing had to change. */
  readonly target: string;
  /** 0, or why the path is refused; the strings are then empty. */
  readonly error: 0 | HeadErrorCode;
};

const BACKSLASH = 0x5c;
const QUESTION = 0x3f;

/** Bytes that Envoy escapes when they come bare. */
const ESCAPED = Uint8Array.from({ length: 128 }, (_, code) => ('"<>^`{|}'.includes(String.fromCharCode(code)) ? 1 : 0));

/** Bytes that send a path to the slow road at sight. */
const SPECIAL = Uint8Array.from({ length: 128 }, (_, code) =>
  ESCAPED[code] === 1 || code === PERCENT || code === BACKSLASH ? 1 : 0,
);

/**
 * Splits off the query and normalises the path of an origin-form target (or `*`). A path without special bytes is sliced and
 * nothing else. Refused are `%00`, an escape inside an escape (`%%30`), and `..` above the root: Envoy's header validator refuses
 * the last, its older code stops at the root; a backend may do either, so it does not get to choose.
 */
export function normalizePath(target: string, mode: PathMode): NormalizedPath {
  const end = mode === 'NONE' ? queryStart(target) : plainUntil(target, mode !== 'BASE');
  if (end >= 0) {
    if (end === target.length) return { path: target, query: '', target, error: 0 };
    return { path: target.slice(0, end), query: target.slice(end + 1), target, error: 0 };
  }
  const length = queryStart(target);
  const path = canonicalPath(target.slice(0, length), mode);
  if (typeof path === 'number') return { path: '', query: '', target: '', error: path };
  if (length === target.length) return { path, query: '', target: path, error: 0 };
  return { path, query: target.slice(length + 1), target: path + target.slice(length), error: 0 };
}

function queryStart(target: string): number {
  const at = target.indexOf('?');
  return at === -1 ? target.length : at;
}

/** Length of the path when it needs no work, else -1. */
function plainUntil(target: string, merges: boolean): number {
  let previous = 0;
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code === QUESTION) return i;
    if (code > 126 || SPECIAL[code] === 1) return -1;
    if (previous === SLASH && (code === DOT || (merges && code === SLASH))) return -1;
    previous = code;
  }
  return target.length;
}

let scratch = Buffer.allocUnsafe(16_384);

/** The slow road; `path` has no query. */
function canonicalPath(path: string, mode: PathMode): string | HeadErrorCode {
  if (scratch.length < path.length * 3) scratch = Buffer.allocUnsafe(path.length * 3);
  const out = scratch;
  const decodesSlashes = mode === 'DECODE_AND_MERGE_SLASHES';
  let length = 0;
  /** Where the current segment begins in `out`. */
  let segment = 0;
  /** Where a `%` that begins no escape stands in the segment. */
  let looseFrom = -3;
  for (let i = 0; i <= path.length; i++) {
    let code = i === path.length ? SLASH : path.charCodeAt(i);
    if (code > 126) return HeadError.invalidPath;
    if (code === PERCENT) {
      const value = escapedByte(path, i);
      if (value === 0) return HeadError.invalidPath;
      if (value === -1) {
        looseFrom = length;
        out[length++] = PERCENT;
        continue;
      }
      if (UNRESERVED[value] === 1) {
        // `%%30%30` would read as `%00` to the next who unescapes.
        if (looseFrom >= length - 2) return HeadError.invalidPath;
        code = value;
      } else if (decodesSlashes && (value === SLASH || value === BACKSLASH)) {
        code = SLASH;
      } else {
        out[length++] = PERCENT;
        out[length++] = path.charCodeAt(i + 1);
        out[length++] = path.charCodeAt(i + 2);
        i += 2;
        continue;
      }
      i += 2;
    } else if (code === BACKSLASH) {
      code = SLASH;
    } else if (ESCAPED[code] === 1) {
      length = appendEscaped(out, length, code);
      continue;
    }
    if (code !== SLASH) {
      out[length++] = code;
      continue;
    }
    const dots = dotSegment(out, segment, length);
    if (dots === 0) {
      if (i < path.length) out[length++] = SLASH;
    } else {
      length = segment;
      if (dots === 2) {
        if (segment <= 1) return HeadError.pathAboveRoot;
        length--;
        while (out[length - 1] !== SLASH) length--;
      }
    }
    segment = length;
    looseFrom = -3;
  }
  if (mode !== 'BASE') length = mergeSlashes(out, length);
  return latin1(out, 0, length);
}

/** 1 for a segment `.`, 2 for `..`, else 0. */
function dotSegment(out: Uint8Array, start: number, end: number): 0 | 1 | 2 {
  const length = end - start;
  if (length === 1 && out[start] === DOT) return 1;
  return length === 2 && out[start] === DOT && out[start + 1] === DOT ? 2 : 0;
}

/** The byte that `%HH` at `at` stands for, or -1. */
function escapedByte(path: string, at: number): number {
  if (at + 2 >= path.length) return -1;
  const high = HEX[path.charCodeAt(at + 1) & 0xff] as number;
  const low = HEX[path.charCodeAt(at + 2) & 0xff] as number;
  return high > 15 || low > 15 ? -1 : high * 16 + low;
}

function appendEscaped(out: Uint8Array, length: number, code: number): number {
  const digits = '0123456789ABCDEF';
  out[length] = PERCENT;
  out[length + 1] = digits.charCodeAt(code >> 4);
  out[length + 2] = digits.charCodeAt(code & 15);
  return length + 3;
}

function mergeSlashes(out: Uint8Array, end: number): number {
  let length = 0;
  for (let i = 0; i < end; i++) {
    const byte = out[i] as number;
    if (byte !== SLASH || length === 0 || out[length - 1] !== SLASH) out[length++] = byte;
  }
  return length;
}

/** Bytes that the parsers compare with. */
export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;
export const SLASH = 0x2f;
export const PERCENT = 0x25;
export const DOT = 0x2e;
export const COMMA = 0x2c;

const ALPHA = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const DIGIT = '0123456789';

/** 1 for `tchar` (RFC 9110 §5.6.2). */
export const TOKEN = tableOf(`${ALPHA}${DIGIT}!#$%&'*+-.^_\`|~`);

/** 1 for `tchar` without lower-case letters: what a method may hold here. */
export const METHOD_TOKEN = tableOf(`${ALPHA.slice(0, 26)}${DIGIT}!#$%&'*+-.^_\`|~`);

/** 1 for bytes of a field value: HTAB, SP, VCHAR and obs-text (RFC 9110 §5.5). */
export const FIELD_VALUE = rangeTable((byte) => byte === HTAB || (byte >= 0x20 && byte !== 0x7f));

/** 1 for bytes of a request target: VCHAR without `#`. What RFC 3986 excludes but clients send (`|`, `{`) passes. */
export const TARGET = rangeTable((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** 1 for `unreserved` (RFC 3986 §2.3). */
export const UNRESERVED = tableOf(`${ALPHA}${DIGIT}-._~`);

/** Value of a hexadecimal digit, 255 for every other byte. */
export const HEX = Uint8Array.from({ length: 256 }, (_, byte) => {
  const value = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return value === -1 ? 255 : value;
});

/** Compares bytes with a lower-case text of letters, digits and `-`, ignoring case. The bytes must be token bytes. */
export function equalsIgnoringCase(buffer: Uint8Array, start: number, end: number, lower: string): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    if (((buffer[start + i] as number) | 0x20) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

function tableOf(characters: string): Uint8Array {
  return rangeTable((byte) => characters.includes(String.fromCharCode(byte)));
}

function rangeTable(holds: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0));
}

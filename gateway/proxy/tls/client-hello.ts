/** Why bytes are no ClientHello that we go on with. */
export type ClientHelloError = 'plain-http' | 'not-tls' | 'malformed-hello' | 'hello-too-large';

/** What is read from a ClientHello before OpenSSL sees it. */
export type ClientHello = {
  /** Server name as sent; undefined without the extension. */
  readonly serverName: string | undefined;
  /** Protocols offered by ALPN, in the client's order. */
  readonly alpn: readonly string[];
};

/** Bytes of TLS records that may be collected for one ClientHello. */
export const MAX_HELLO_BYTES = 16_384;

const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const NONE = Buffer.alloc(0);
const ALPN = 16;

/**
 * Reads one ClientHello from any fragmentation, of TCP and of TLS records (RFC 8446 §5.1). Chunks are kept as they came, so that
 * they can be given back in one piece; every byte is looked at once, however many pieces it comes in. Waiting is the caller's.
 */
export class ClientHelloReader {
  readonly chunks: Buffer[] = [];
  #received = 0;
  #header = 0;
  #recordLeft = 0;
  #headerBytes = NONE;
  #message = NONE;
  #length = 0;

  /** The next bytes: the hello once it is whole, `undefined` while it is not, or why it will never be. */
  push(chunk: Buffer): ClientHello | ClientHelloError | undefined {
    this.chunks.push(chunk);
    if (this.#received === 0) {
      const whole = wholeHello(chunk);
      if (whole !== undefined) return parseClientHello(whole);
    }
    return this.#collect(chunk);
  }

  #collect(chunk: Buffer): ClientHello | ClientHelloError | undefined {
    let pos = 0;
    while (pos < chunk.length) {
      if (this.#received++ >= MAX_HELLO_BYTES) return 'hello-too-large';
      if (this.#recordLeft === 0) {
        const error = this.#readHeaderByte(chunk[pos] as number);
        if (error !== undefined) return error;
        pos++;
        continue;
      }
      const taken = Math.min(this.#recordLeft, chunk.length - pos);
      this.#received += taken - 1;
      if (this.#received > MAX_HELLO_BYTES) return 'hello-too-large';
      this.#append(chunk, pos, taken);
      pos += taken;
      this.#recordLeft -= taken;
      const whole = this.#wholeLength();
      if (typeof whole === 'string') return whole;
      if (whole !== undefined && this.#length >= whole) return parseClientHello(this.#message.subarray(0, whole));
    }
    return undefined;
  }

  #readHeaderByte(byte: number): ClientHelloError | undefined {
    const first = this.#received === 1;
    if (this.#header === 0 && byte !== HANDSHAKE) return first && isUpperCase(byte) ? 'plain-http' : 'not-tls';
    if (this.#header === 1 && byte !== 3) return 'not-tls';
    if (this.#headerBytes === NONE) this.#headerBytes = Buffer.alloc(RECORD_HEADER);
    this.#headerBytes[this.#header++] = byte;
    if (this.#header < RECORD_HEADER) return undefined;
    this.#header = 0;
    this.#recordLeft = this.#headerBytes.readUInt16BE(3);
    // RFC 8446 §5.1: no empty handshake records, and none above 2^14 bytes.
    if (this.#recordLeft === 0) return 'malformed-hello';
    return this.#recordLeft > MAX_HELLO_BYTES ? 'hello-too-large' : undefined;
  }

  #append(chunk: Buffer, start: number, length: number): void {
    if (this.#length + length > this.#message.length) {
      const larger = Buffer.allocUnsafe(Math.min(MAX_HELLO_BYTES, Math.max(512, (this.#length + length) * 2)));
      this.#message.copy(larger, 0, 0, this.#length);
      this.#message = larger;
    }
    chunk.copy(this.#message, this.#length, start, start + length);
    this.#length += length;
  }

  /** Length of the handshake message with its header, once that is known. */
  #wholeLength(): number | ClientHelloError | undefined {
    if (this.#message[0] !== CLIENT_HELLO) return 'not-tls';
    if (this.#length < HANDSHAKE_HEADER) return undefined;
    const length = HANDSHAKE_HEADER + this.#message.readUIntBE(1, 3);
    return length > MAX_HELLO_BYTES ? 'hello-too-large' : length;
  }
}

/**
 * The message of a ClientHello that has come in one record and one piece, as nearly all do; undefined for everything else, which
 * is then looked at byte by byte.
 */
function wholeHello(chunk: Buffer): Buffer | undefined {
  if (chunk.length < RECORD_HEADER + HANDSHAKE_HEADER || chunk[0] !== HANDSHAKE || chunk[1] !== 3) return undefined;
  const record = chunk.readUInt16BE(3);
  const message = HANDSHAKE_HEADER + chunk.readUIntBE(RECORD_HEADER + 1, 3);
  const end = RECORD_HEADER + message;
  if (chunk[RECORD_HEADER] !== CLIENT_HELLO || message > record || end > chunk.length) return undefined;
  return end > MAX_HELLO_BYTES || record > MAX_HELLO_BYTES ? undefined : chunk.subarray(RECORD_HEADER, end);
}

/** Parses a whole ClientHello message, handshake header included (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301 §3.1). */
export function parseClientHello(message: Buffer): ClientHello | ClientHelloError {
  const body = new Cursor(message, HANDSHAKE_HEADER, message.length);
  body.skip(2 + 32);
  const session = body.vector(1);
  const suites = body.vector(2);
  const compressions = body.vector(1);
  if (body.failed || session.length > 32 || suites.length < 2 || suites.length % 2 !== 0 || compressions.length < 1) {
    return 'malformed-hello';
  }
  let serverName: string | undefined;
  let alpn: readonly string[] | undefined;
  if (body.left > 0) {
    const extensions = body.vector(2);
    while (extensions.left > 0) {
      const type = extensions.number(2);
      const extension = extensions.vector(2);
      if (extensions.failed) return 'malformed-hello';
      if (type === SERVER_NAME) {
        const name = parseServerName(extension);
        if (name === undefined || serverName !== undefined) return 'malformed-hello';
        serverName = name;
      } else if (type === ALPN) {
        const protocols = parseAlpn(extension);
        if (protocols === undefined || alpn !== undefined) return 'malformed-hello';
        alpn = protocols;
      }
    }
    if (extensions.failed) return 'malformed-hello';
  }
  return body.failed || body.left > 0 ? 'malformed-hello' : { serverName, alpn: alpn ?? [] };
}

/** The only entry of the only type there is: one `host_name`; other shapes are what OpenSSL refuses as well. */
function parseServerName(extension: Cursor): string | undefined {
  const list = extension.vector(2);
  const type = list.number(1);
  const name = list.vector(2);
  if (extension.failed || list.failed || extension.left > 0 || list.left > 0) return undefined;
  return type === 0 && name.length > 0 && name.length <= 255 ? name.text() : undefined;
}

function parseAlpn(extension: Cursor): readonly string[] | undefined {
  const list = extension.vector(2);
  const protocols: string[] = [];
  while (list.left > 0) {
    const protocol = list.vector(1);
    if (list.failed || protocol.length === 0) return undefined;
    protocols.push(protocol.text());
  }
  return list.failed || extension.failed || extension.left > 0 || protocols.length === 0 ? undefined : protocols;
}

function isUpperCase(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/** A reader of TLS presentation language that never reads past its end: it fails instead, and stays failed. */
class Cursor {
  failed = false;
  readonly length: number;
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.length = end - start;
  }

  get left(): number {
    return this.failed ? 0 : this.#end - this.#at;
  }

  skip(count: number): void {
    if (count > this.left) this.failed = true;
    else this.#at += count;
  }

  number(width: number): number {
    if (width > this.left) {
      this.failed = true;
      return 0;
    }
    const value = this.#bytes.readUIntBE(this.#at, width);
    this.#at += width;
    return value;
  }

  /** A vector with a length prefix of `width` bytes. */
  vector(width: number): Cursor {
    const length = this.number(width);
    if (length > this.left) this.failed = true;
    const start = this.failed ? this.#end : this.#at;
    if (!this.failed) this.#at += length;
    return new Cursor(this.#bytes, start, this.failed ? start : start + length);
  }

  text(): string {
    return this.#bytes.toString('latin1', this.#at, this.#end);
  }
}

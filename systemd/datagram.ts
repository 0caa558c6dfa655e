/**
 * One AF_UNIX datagram, sent through libc: Node has no such socket of its own, and sd_notify wants the sender's own pid.
 * It never keeps a descriptor open and never raises SIGPIPE.
 * Called by notify.ts only.
 */
import { libc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(sockaddr_un.sun_path) on Linux. */
const MAX_PATH_BYTES = 108;

/** Sends one datagram to a socket path, or to an abstract name written `@name`; false when it was not taken. */
export type SendDatagram = (address: string, message: string) => boolean;

/** Null where this Node has no node:ffi (or may not use it). */
export function datagramSender(): SendDatagram | null {
  const functions = libc();
  if (functions === null) return null;
  return (address, message) => {
    const target = socketAddress(address);
    if (target === undefined) return false;
    const fd = functions.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    try {
      const bytes = Buffer.from(message);
      // blocks while the receiver's queue is full, as libsystemd's own sd_notify does
      return (
        Number(functions.sendto(fd, bytes, BigInt(bytes.length), MSG_NOSIGNAL, target, target.length)) === bytes.length
      );
    } finally {
      functions.close(fd);
    }
  };
}

/** struct sockaddr_un; undefined when `address` is neither an absolute path nor an abstract name, or too long. */
export function socketAddress(address: string): Buffer | undefined {
  const name = Buffer.from(address);
  const abstract = address.startsWith('@');
  if (name.length < 2 || !(abstract || address.startsWith('/'))) return undefined;
  // a path ends in NUL; an abstract name begins with one and ends where the length says
  const sunPath = abstract ? name : Buffer.concat([name, Buffer.alloc(1)]);
  if (abstract) sunPath[0] = 0;
  if (sunPath.length > MAX_PATH_BYTES) return undefined;
  const family = Buffer.alloc(2);
  if (littleEndian) family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  return Buffer.concat([family, sunPath]);
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

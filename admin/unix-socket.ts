import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, type Stats } from 'node:fs';
import net from 'node:net';
import path from 'node:path';

/** sockaddr_un holds 108 bytes with the closing zero; the socket is made under a name that is 4 bytes longer. */
const LONGEST_PATH = 103;
const PROBE_MS = 1_000;

/**
 * Makes `server` listen on a unix socket of mode 0600. It is bound under another name and renamed into place, so
 * that no moment exists in which it is missing or has other rights. Whatever a dead process left there is
 * replaced; a socket that still answers, or a file of another type, is refused with a sentence.
 * Resolves with a function that removes the socket, if it is still this one.
 */
export async function listenOnUnixSocket(server: net.Server, file: string): Promise<() => void> {
  if (Buffer.byteLength(file) > LONGEST_PATH) {
    throw new Error(`The path of the admin socket ${file} is longer than ${LONGEST_PATH} bytes: choose a shorter one.`);
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  await refuseWhatIsNotStale(file);
  const fresh = `${file}.new`;
  rmSync(fresh, { force: true });
  await listenPrivately(server, fresh);
  const own = lstatSync(fresh);
  renameSync(fresh, file);
  return () => {
    const present = statOf(file);
    if (present?.ino === own.ino && present.dev === own.dev) rmSync(file, { force: true });
  };
}

async function refuseWhatIsNotStale(file: string): Promise<void> {
  const stats = statOf(file);
  if (stats === undefined) return;
  if (!stats.isSocket())
    throw new Error(`${file} is in the way of the admin socket and is not a socket: move it away.`);
  if (await answers(file)) {
    throw new Error(
      `Another mesh-gateway answers on the admin socket ${file}: stop it, or give this one another socket.`,
    );
  }
}

function statOf(file: string): Stats | undefined {
  return lstatSync(file, { throwIfNoEntry: false });
}

/** Whether somebody accepts there. A full queue counts as yes; a refusal is what a dead process leaves behind. */
function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = net.connect({ path: file, timeout: PROBE_MS });
    const end = (result: boolean): void => {
      probe.destroy();
      resolve(result);
    };
    probe.once('connect', () => end(true));
    probe.once('timeout', () => end(true));
    probe.once('error', (error: NodeJS.ErrnoException) => end(error.code === 'EAGAIN'));
  });
}

function listenPrivately(server: net.Server, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // bind(2) happens inside this call, so the socket is born without rights for others.
    const mask = process.umask(0o177);
    try {
      server.listen({ path: file }, () => {
        server.off('error', reject);
        chmodSync(file, 0o600);
        resolve();
      });
    } finally {
      process.umask(mask);
    }
  });
}

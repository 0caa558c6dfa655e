/**
 * USR1 as an ordinary signal, though Node was started with --disable-sigusr1.
 * That flag keeps USR1 from opening V8's inspector by BLOCKING the signal in every thread, so that a listener alone
 * never hears it (Node 26.10). It never lets the inspector in: the flag stays, only the mask of this thread changes.
 * Called by the supervisor, which reopens the logs of all roles.
 */
import { libc } from './libc.ts';

const SIG_UNBLOCK = 1;
const SIGUSR1 = 10;
/** sizeof(sigset_t) of glibc; musl's is the same. */
const SIGSET_BYTES = 128;

/** Calls `listener` on USR1. False when the signal stays blocked, because there is no node:ffi to unblock it with. */
export function onUsr1(listener: () => void): boolean {
  // first the listener: an unblocked USR1 without one would end the process
  process.on('SIGUSR1', listener);
  if (!process.execArgv.includes('--disable-sigusr1')) return true;
  const functions = libc();
  if (functions === null) return false;
  return functions.pthread_sigmask(SIG_UNBLOCK, signalSet(SIGUSR1), null) === 0;
}

/** A sigset_t is an array of unsigned longs; bit n-1 stands for signal n. All Linux targets of Node are little endian here. */
function signalSet(signal: number): Buffer {
  const set = Buffer.alloc(SIGSET_BYTES);
  set[(signal - 1) >> 3] = 1 << ((signal - 1) & 7);
  return set;
}

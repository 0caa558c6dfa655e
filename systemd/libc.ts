/**
 * The few functions of libc that Node does not offer, through node:ffi.
 * It is opened once, on first use, and never throws: null says that this Node has no node:ffi (or may not use it).
 * Called by datagram.ts and signals.ts.
 */
const definitions = {
  socket: { arguments: ['i32', 'i32', 'i32'], return: 'i32' },
  sendto: { arguments: ['i32', 'pointer', 'u64', 'i32', 'pointer', 'u32'], return: 'i64' },
  close: { arguments: ['i32'], return: 'i32' },
  pthread_sigmask: { arguments: ['i32', 'pointer', 'pointer'], return: 'i32' },
} as const;

type Libc = ReturnType<typeof openLibc>;
let opened: Libc | undefined;

/** libc, or null. */
export function libc(): Libc {
  opened ??= openLibc();
  return opened;
}

function openLibc() {
  // getBuiltinModule: a static import would end a Node that was built without it
  const ffi = process.getBuiltinModule('node:ffi');
  if (ffi === undefined) return null;
  try {
    // null is the process image, which has libc under glibc and musl alike
    return ffi.dlopen(null, definitions).functions;
  } catch {
    return null;
  }
}

import { allTo, startProxy } from './proxy.ts';
import { type RawHandler, startRawBackend } from './raw-backend.ts';

/** A raw backend and a proxy that sends everything to it, unless the options say otherwise. Closed by `await using`. */
export async function setUp(handler: RawHandler, options: Parameters<typeof startProxy>[0] = {}) {
  const backend = await startRawBackend(handler);
  const gateway = await startProxy({ snapshot: allTo(backend.port), ...options });
  return {
    backend,
    gateway,
    [Symbol.asyncDispose]: async () => {
      await gateway.close();
      await backend.close();
    },
  };
}

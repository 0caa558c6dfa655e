import { createServer } from 'node:net';

type Wanted = { readonly address: string; readonly port: number };

/** Which of these cannot be listened on now, with the reason: tried by opening and closing each. */
export async function takenPorts(wanted: readonly Wanted[]): Promise<{ port: number; code: string }[]> {
  const tried = await Promise.all(wanted.map(async (place) => ({ port: place.port, code: await tryOpen(place) })));
  return tried.flatMap(({ port, code }) => (code === undefined ? [] : [{ port, code }]));
}

async function tryOpen({ address, port }: Wanted): Promise<string | undefined> {
  const code = await open(address, port);
  const noIPv6 = code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
  return address === '::' && noIPv6 ? open('0.0.0.0', port) : code;
}

function open(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

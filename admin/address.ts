/** Where the admin API listens, as the settings give it. */
export type AdminAddress = {
  readonly address: string;
  readonly port: number;
  readonly tls?: { readonly certificate: string; readonly privateKey: string };
};

/**
 * Undefined when the admin API may listen there, else one sentence that says why not and what to do: the token
 * must not cross a network in the clear.
 */
export function checkAdminAddress(admin: AdminAddress): string | undefined {
  if (admin.tls !== undefined || isLoopback(admin.address)) return undefined;
  return (
    `admin.address ${admin.address} can be reached from other machines, and without TLS the admin token would cross the network in the clear: ` +
    'set admin.tls.certificate and admin.tls.privateKey (PEM files), or use 127.0.0.1 and reach it through ssh -L.'
  );
}

/** True for addresses that only this machine can reach. */
export function isLoopback(address: string): boolean {
  const bare = address.toLowerCase().replace(/^\[|\]$/g, '');
  return bare === 'localhost' || bare === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(bare);
}

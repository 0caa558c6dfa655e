import type { Settings } from '#config/settings.ts';
import type { GatewayIdentity } from '../control/build/builder.ts';

/** What the settings say of the gateway itself, as the build must know it. */
export function gatewayIdentity(settings: Settings): GatewayIdentity {
  const { namespace, rootNamespace, labels, ports, admin, health, metrics, source, timeouts } = settings;
  return {
    namespace,
    rootNamespace,
    labels,
    ports,
    reservedPorts: [
      { port: admin.port, purpose: 'the admin API' },
      { port: health.port, purpose: 'the health check' },
      { port: metrics.port, purpose: 'the metrics page' },
    ],
    acceptUnenforced: settings.security.acceptUnenforced,
    ...(source.kind === 'folder' ? { folder: source.path } : { endpoints: source.endpoints }),
    connectTimeoutMs: timeouts.connectMs,
  };
}

import type { Settings } from '#config/settings.ts';
import type { GatewayIdentity } from '../control/build/builder.ts';
import { parseLocality } from '../control/resource/core/locality.ts';

/** What the settings say of the gateway itself, as the build must know it. */
export function gatewayIdentity(settings: Settings): GatewayIdentity {
  const { node, namespace, rootNamespace, labels, ports, admin, health, metrics, source, timeouts } = settings;
  const locality = settings.locality === 'auto' ? undefined : parseLocality(settings.locality);
  return {
    node,
    ...(locality !== undefined && { locality }),
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

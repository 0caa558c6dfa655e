import type { Severity } from '../../snapshot/problem.ts';

/** What a code means and what to do about it; the documentation and `explain` are made from this. */
export type CodeEntry = { readonly title: string; readonly help: string };

/**
 * The closed registry of Problem codes: Istio's analyzer codes where one fits, else our own.
 * MG00 files, MG01 kinds, MG02 fields, MG03 references, MG04 what is not enforced, MG09 the appliance itself,
 * MG10 sources, MG11 build, MG12 publishing, MG13 changes, MG14 nodes together.
 */
export const codes = {
  IST0101: { title: 'Referenced object not found', help: 'Create the object, or correct the name.' },
  IST0106: { title: 'Invalid field', help: 'Correct the value; the message names what is allowed.' },
  IST0107: { title: 'Misplaced annotation', help: 'Move it to the kind that it has an effect on.' },
  IST0108: { title: 'Unknown annotation', help: 'Correct its spelling, or remove it.' },
  IST0112: {
    title: 'Destination port needed',
    help: 'The service has several ports: set destination.port.number.',
  },
  IST0122: {
    title: 'Invalid regular expression',
    help: "Write it in RE2's syntax: no look-around, no back-references.",
  },
  IST0125: { title: 'Invalid annotation', help: 'Correct the value; the message names what is allowed.' },
  IST0128: { title: 'TLS to a backend without CA', help: 'Set caCertificates or credentialName.' },
  IST0129: { title: 'TLS to a port without CA', help: 'Set caCertificates or credentialName for the port.' },
  IST0130: { title: 'Rule can never match', help: 'An earlier rule takes all its requests: reorder or remove it.' },
  IST0131: { title: 'Match block without effect', help: 'An earlier block takes the same requests: remove it.' },
  IST0132: { title: 'Host not in any Gateway', help: 'Add the host to a server of the Gateway, or correct it.' },
  IST0133: { title: 'Value with a flaw', help: 'The object is served; correct the value all the same.' },
  IST0138: {
    title: 'Certificate on several Gateways',
    help: 'Give both Gateways one server, or certificates of their own.',
  },
  IST0140: { title: 'Rules for a mesh only', help: 'Name the subsets in the VirtualService of the Gateway as well.' },
  IST0145: { title: 'Conflicting Gateways', help: 'Let only one server have this port and host.' },
  IST0149: { title: 'Routing by token claims', help: 'Remove the condition, or route by a header.' },
  IST0161: { title: 'Credential not usable', help: 'Create the Secret with tls.crt and tls.key that belong together.' },
  IST0165: {
    title: 'Internal Gateway named',
    help: 'Name a Gateway of networking.istio.io, or route by HTTPRoutes through one of the Gateway API.',
  },
  IST0173: { title: 'Subset selects nothing', help: "Correct the subset's labels, or label the workloads." },
  IST0174: { title: 'DestinationRule for an unknown host', help: 'Correct the host, or create its Service.' },
  IST0177: { title: 'ServiceEntries that disagree', help: 'Let both say the same protocol, or join them.' },
  MG0001: { title: 'YAML syntax error', help: 'Correct the line; other documents of the file are read.' },
  MG0002: { title: 'YAML oddity', help: 'Remove the tag.' },
  MG0003: { title: 'Document not readable', help: 'Make it flatter, and write aliases out.' },
  MG0004: { title: 'File not readable', help: 'Check that it exists, its rights and its size.' },
  MG0005: { title: 'Not a Kubernetes object', help: 'Every document needs apiVersion, kind and metadata.name.' },
  MG0006: { title: 'Object defined twice', help: 'Keep one of the two.' },
  MG0007: { title: 'No objects found', help: 'Name a folder or files with .yaml, .yml or .json objects.' },
  MG0101: { title: 'Kind not needed at an edge', help: 'Nothing: the object is loaded and ignored.' },
  MG0102: { title: 'Kind not served yet', help: 'Remove it, or express it with the kinds that are served.' },
  MG0103: { title: 'Unknown kind', help: 'Correct apiVersion and kind, or remove the object.' },
  MG0201: { title: 'Unknown field', help: 'Correct its spelling or place, or remove it.' },
  MG0202: { title: 'Field not honoured yet', help: 'The message says what happens meanwhile.' },
  MG0203: { title: 'Weights do not sum to 100', help: 'Nothing: shares are weight / sum. Old Istio demands 100.' },
  MG0204: { title: 'Server not served yet', help: 'Use protocol HTTP, or HTTPS with tls mode SIMPLE.' },
  MG0205: { title: 'Value read differently', help: 'The message says how it is read.' },
  MG0206: { title: 'Field dropped by the API server', help: 'Correct the field, and apply again.' },
  MG0207: { title: 'Value not served yet', help: 'The message says what is served; Istio would take the value.' },
  MG0208: { title: 'Name used twice', help: 'Give each its own name.' },
  MG0209: { title: 'Entry that leads nowhere', help: 'Write its ports, and its endpoints or a workloadSelector.' },
  MG0301: { title: 'Does not reach the edge', help: 'Name a Gateway in spec.gateways.' },
  MG0302: { title: 'Port not on the service', help: 'Use a port that the service has.' },
  MG0303: { title: 'Unknown subset', help: 'Add the subset to the DestinationRule, or correct the name.' },
  MG0304: { title: 'Gateway selects other gateways', help: "Make spec.selector match this appliance's labels." },
  MG0305: { title: 'Not exported', help: "Export it to the gateway's namespace (exportTo)." },
  MG0306: { title: 'Certificate expired or not yet valid', help: 'Renew the certificate.' },
  MG0307: {
    title: 'Node port belongs to a Service',
    help: 'Give the Service another nodePort, delete it, or map another port under ports:.',
  },
  MG0308: {
    title: 'Own locality not known',
    help: 'Label the Node of this machine, or set locality: in gateway.yaml.',
  },
  MG0401: {
    title: 'Not enforced, hosts closed',
    help: 'Remove the object, narrow its selector, or accept it under security.acceptUnenforced.',
  },
  MG0402: { title: 'Not enforced, and accepted', help: 'Nothing, while the settings mean it so.' },
  MG0403: { title: 'Not enforced', help: 'Remove the object, or narrow its selector.' },
  MG0404: { title: 'Not for this gateway', help: 'Nothing: others enforce or serve it.' },
  MG0405: { title: 'Routes of a kind that is not served yet', help: 'Write them as Gateway and VirtualService.' },
  MG0406: { title: 'Accepted object not found', help: 'Correct or remove the entry of security.acceptUnenforced.' },
  MG0407: { title: 'Backend wants mutual TLS', help: 'Set its PeerAuthentication to PERMISSIVE.' },
  MG0408: {
    title: 'Not readable, hosts closed',
    help: 'Mend what the message names, or accept it under security.acceptUnenforced.',
  },
  MG1101: { title: 'Gateway port has no node port', help: 'Map it under ports: in gateway.yaml.' },
  MG1102: { title: 'Port belongs to the appliance', help: 'Map the Gateway port to another node port under ports:.' },
  MG1103: { title: 'No HTTPS port to redirect to', help: 'Map a Gateway port with an HTTPS server under ports:.' },
  MG1104: { title: 'Subset defined twice', help: 'Keep one of the two; the first counts.' },
  MG1105: {
    title: 'Subset without pod addresses',
    help: 'Set source.kubernetes.endpoints: pods, or use a Service for each version.',
  },
  MG1106: { title: 'Service without an address of this mode', help: 'Give it a clusterIP, or type NodePort.' },
  MG1107: {
    title: 'Only pods of this node',
    help: 'Set internalTrafficPolicy: Cluster, or source.kubernetes.endpoints: pods.',
  },
  MG0901: {
    title: 'Port not opened',
    help: 'Free the port (`ss -ltnp` names its owner), or map another under ports:.',
  },
  MG0902: { title: 'Workers keep dying', help: 'The log has their last words.' },
  MG0903: { title: 'Control keeps dying', help: 'The log has its last words; traffic goes on with the last version.' },
  MG0904: { title: 'Admin or metrics not available', help: 'Free its port, or set another in the settings.' },
  MG1001: {
    title: 'Folder suddenly empty or gone',
    help: 'Bring the files back; or, to serve nothing, put an empty file `empty.yaml` into it.',
  },
  MG1002: { title: 'File suddenly empty', help: 'Bring its content back, or delete the file to remove its objects.' },
  MG1003: {
    title: 'Folder not watched',
    help: 'Raise fs.inotify.max_user_watches; changes are seen by the rescan meanwhile.',
  },
  MG1004: { title: 'Accepted objects not kept on disk', help: 'Check the state directory: free space and rights.' },
  MG1005: {
    title: 'Accepted objects set aside',
    help: 'Nothing, if the folder is whole; the old file can be deleted.',
  },
  MG1006: { title: 'Change waits for another object', help: 'Mend the object that the message names.' },
  MG1007: {
    title: 'Change waits for endpoints',
    help: 'Start what the destination leads to; after a minute it is served.',
  },
  MG1020: {
    title: "Cluster's token not renewed",
    help: 'Apply config/cluster again; for a token that ended, install a new kubeconfig.',
  },
  MG1021: { title: 'Renewed token not kept', help: 'Check the state directory: free space and rights.' },
  MG1011: { title: 'Cluster not reachable', help: 'Check the API servers and the way to them; traffic goes on.' },
  MG1012: {
    title: 'Access to the cluster refused',
    help: 'Renew the credentials, or grant the rights of config/cluster.',
  },
  MG1013: {
    title: 'Objects suddenly missing in the cluster',
    help: 'Bring them back, or create one object of the kind so that the list is believed.',
  },
  MG1014: { title: 'Kinds not served by the cluster', help: "Install Istio's CRDs, or those of config/cluster." },
  MG1015: { title: 'Access data not usable', help: 'Correct the kubeconfig or the file that the message names.' },
  MG1016: { title: 'Access data open to everybody', help: 'Take the rights of others away: chmod 600.' },
  MG1201: { title: 'Refused by a worker', help: 'Correct the object that the message names.' },
  MG1202: { title: 'Snapshot not written', help: 'Check the runtime directory: free space and rights.' },
  MG1203: { title: 'Snapshot not confirmed', help: 'A worker is hung; it is replaced by itself.' },
  MG1204: { title: 'Last good snapshot not kept', help: 'Check the state directory: free space and rights.' },
  MG1401: { title: 'No leader can be chosen', help: 'Apply config/cluster; Kubernetes has Leases from 1.12 on.' },
  MG1402: { title: 'Conditions or events not written', help: 'Apply config/cluster, which has the rights.' },
  MG1403: { title: 'Condition overwritten by others', help: 'Let each writer keep to its own conditions.' },
  MG1404: { title: 'Nodes serve different things', help: 'Compare `mesh-gateway get problems` of both nodes.' },
  MG1405: { title: 'Node not shown to the others', help: 'Apply config/cluster, which has the rights on Leases.' },
  MG1406: { title: 'Two nodes of one name', help: 'Give each appliance its own name under node:.' },
} as const satisfies Record<string, CodeEntry>;

/**
 * Codes that tell what is missing here, whatever version of the object is taken: no last good version could mend it, and
 * keeping one back would hide the newest wish to close something.
 */
export const tellingCodes: ReadonlySet<string> = new Set<keyof typeof codes>([
  'MG0307',
  'MG0401',
  'MG0403',
  'MG0405',
  'MG0407',
  'MG0408',
]);

/** A code of the registry. */
export type ProblemCode = keyof typeof codes;

/** How a reader reports: severity defaults to `error`, code to IST0106, or IST0133 for what is no error. */
export type Finding = { readonly severity?: Severity; readonly code?: ProblemCode; readonly message: string };

/** As whom this program writes: `metadata.managedFields` of what it has changed. */
export const FIELD_MANAGER = 'mesh-gateway';

import type { Route } from '../route.ts';
import { auditEventRoute, auditReceiptRoute } from './audit-events.ts';
import { auditExportRoute } from './audit-export.ts';
import {
  auditCheckpointRoute,
  auditEntriesRoute,
  auditTileRoute,
  auditVerifierKeysRoute,
} from './audit-log-files.ts';
import { auditSearchRoute } from './audit-search.ts';
import { detokenizeRoute } from './detokenize.ts';
import { detokenizeBatchRoute } from './detokenize-batch.ts';
import { lookupRoute } from './lookup.ts';
import { tokenizeRoute } from './tokenize.ts';
import { tokenizeBatchRoute } from './tokenize-batch.ts';
import { tokensInspectRoute } from './tokens-inspect.ts';
import { tokensRevokeRoute } from './tokens-revoke.ts';

/** Every route of the API, in the order of the docs. Server and OpenAPI derive from this list. */
export const ROUTES: readonly Route[] = [
  tokenizeRoute,
  tokenizeBatchRoute,
  detokenizeRoute,
  detokenizeBatchRoute,
  lookupRoute,
  tokensInspectRoute,
  tokensRevokeRoute,
  auditSearchRoute,
  auditEventRoute,
  auditReceiptRoute,
  auditExportRoute,
  auditCheckpointRoute,
  auditTileRoute,
  auditEntriesRoute,
  auditVerifierKeysRoute,
];

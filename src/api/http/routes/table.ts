import type { Route } from '../route.ts';
import { auditEventRoute, auditReceiptRoute } from './audit-events.ts';
import { auditExportRoute } from './audit-export.ts';
import {
  auditCheckpointRoute,
  auditEntriesRoute,
  auditTileRoute,
  auditVerifierKeysRoute,
  erasureVerifierKeysRoute,
} from './audit-log-files.ts';
import { auditSearchRoute } from './audit-search.ts';
import { detokenizeRoute } from './detokenize.ts';
import { detokenizeBatchRoute } from './detokenize-batch.ts';
import { detokenizeStreamRoute } from './detokenize-stream.ts';
import { lookupRoute } from './lookup.ts';
import { statsRoute } from './stats.ts';
import { subjectsEraseRoute } from './subjects-erase.ts';
import { subjectsExportRoute } from './subjects-export.ts';
import { tokenizeRoute } from './tokenize.ts';
import { tokenizeBatchRoute } from './tokenize-batch.ts';
import { tokenizeStreamRoute } from './tokenize-stream.ts';
import { tokensImportRoute } from './tokens-import.ts';
import { tokensInspectRoute } from './tokens-inspect.ts';
import { tokensRevokeRoute } from './tokens-revoke.ts';
import { tokensSearchRoute } from './tokens-search.ts';
import { vaultExportRoute } from './vault-export.ts';

/** Every route of the API, in the order of the docs. Server and OpenAPI derive from this list. */
export const ROUTES: readonly Route[] = [
  tokenizeRoute,
  tokenizeBatchRoute,
  tokenizeStreamRoute,
  detokenizeRoute,
  detokenizeBatchRoute,
  detokenizeStreamRoute,
  lookupRoute,
  tokensInspectRoute,
  tokensRevokeRoute,
  tokensImportRoute,
  tokensSearchRoute,
  subjectsEraseRoute,
  subjectsExportRoute,
  statsRoute,
  vaultExportRoute,
  auditSearchRoute,
  auditEventRoute,
  auditReceiptRoute,
  auditExportRoute,
  auditCheckpointRoute,
  auditTileRoute,
  auditEntriesRoute,
  auditVerifierKeysRoute,
  erasureVerifierKeysRoute,
];

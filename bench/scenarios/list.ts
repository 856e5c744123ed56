import { batchesScenario, modesScenario, streamsScenario } from './bulk.ts';
import { latencyScenario } from './latency.ts';
import { overloadScenario } from './overload.ts';
import { redisTroubleScenario } from './redis-trouble.ts';
import type { Scenario } from './scenario.ts';
import { connectionsScenario, singleScenario } from './single.ts';
import { instancesScenario, vaultsScenario } from './spread.ts';
import { storedScenario } from './stored.ts';
import { sustainedScenario } from './sustained.ts';

/** The whole run, in its order. */
export const SCENARIOS: readonly Scenario[] = [
  singleScenario,
  connectionsScenario,
  batchesScenario,
  streamsScenario,
  modesScenario,
  vaultsScenario,
  storedScenario,
  latencyScenario,
  overloadScenario,
  redisTroubleScenario,
  instancesScenario,
  sustainedScenario,
];

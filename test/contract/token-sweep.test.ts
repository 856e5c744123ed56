import { memoryStores, postgresStores } from '../helpers/token-stores.ts';
import { runTokenSweepContract } from './token-sweep.ts';

runTokenSweepContract('memory', memoryStores);
runTokenSweepContract('postgres', postgresStores);

import { memoryStores, postgresStores } from '../helpers/token-stores.ts';
import { runTokenSearchContract } from './token-search.ts';

runTokenSearchContract('memory', memoryStores);
runTokenSearchContract('postgres', postgresStores);

import { memoryStores, postgresStores } from '../helpers/token-stores.ts';
import { runPeopleStoreContract } from './people-store.ts';

runPeopleStoreContract('memory', memoryStores);
runPeopleStoreContract('postgres', postgresStores);

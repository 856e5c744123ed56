// A process with nothing but a sequencer, to be killed: `node sequencer-process.ts`, database in
// TEST_SEQUENCER_URL. Prints a line when it runs.
import { makePool } from '../../src/adapters/postgres/pool.ts';
import { openKeysets } from '../helpers/keysets.ts';
import { runSequencer } from '../helpers/running-sequencer.ts';

const connectionString = process.env['TEST_SEQUENCER_URL'] ?? '';
const pool = makePool({ connectionString, max: 2, name: 'test-sequencer' });
await runSequencer({ connectionString, pool, keysets: await openKeysets(pool) });
console.log('running');

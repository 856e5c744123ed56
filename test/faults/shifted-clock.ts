// Loaded before the program under test: its wall clock is wrong by as many milliseconds as a file says.
import { readFileSync } from 'node:fs';

const path = process.env['TEST_CLOCK_FILE'] ?? '';
const realNow = Date.now;

// Read each time, so that no thread lags behind.
Date.now = () => realNow() + Number(readFileSync(path, 'utf8'));

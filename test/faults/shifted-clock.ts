// Loaded before the program under test: its wall clock is wrong by as many milliseconds as a file says.
import { readFileSync } from 'node:fs';

const path = process.env['TEST_CLOCK_FILE'] ?? '';
const realNow = Date.now;
let wrongByMs = 0;

function readFile(): void {
  wrongByMs = Number(readFileSync(path, 'utf8'));
}

readFile();
setInterval(readFile, 20).unref();
Date.now = () => realNow() + wrongByMs;

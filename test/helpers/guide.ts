import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT, startDev } from './dev-instance.ts';
import { makeShell } from './shell.ts';

/** A fenced block of a guide. */
export type Block = { language: string; text: string };

/** The text of a guide, by the name of its file. */
export function textOf(guide: string): Promise<string> {
  return readFile(join(ROOT, 'docs/guides', guide), 'utf8');
}

/** The fenced blocks of a guide, in order. */
export async function blocksOf(guide: string): Promise<Block[]> {
  return [...(await textOf(guide)).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', body = '']) => ({
      language,
      text: body,
    }),
  );
}

const RUNS = '# runs\n';
const NEXT = '--next--';

/** The commands of a guide as one script, each set apart, and what is printed below each of them. */
export function commandsOf(blocks: readonly Block[]): Record<'script' | 'expected', string[]> {
  const runs = (block: Block) => block.text.startsWith(RUNS);
  return {
    // npx says the same as the program, only later.
    script: blocks
      .filter(runs)
      .map(({ text }) => text.replaceAll('npx counterfoil', `'${process.execPath}' src/main.ts`)),
    expected: blocks.flatMap((block, index) => {
      const answer = blocks[index + 1];
      return runs(block)
        ? [answer === undefined || answer.language === 'sh' ? '' : answer.text]
        : [];
    }),
  };
}

/**
 * Runs all blocks in one shell, because a block uses what an earlier one has found, and gives back what
 * each of them printed. `env` is for the service that they ask.
 */
export async function runBlocks(
  blocks: readonly string[],
  env: Record<string, string> = {},
): Promise<string[]> {
  const instance = await startDev({ env });
  try {
    const run = await makeShell();
    const script = blocks.join(`printf '\\n%s\\n' '${NEXT}'\n`);
    const before = [
      `cd '${ROOT}'`,
      `export COUNTERFOIL_DATA_DIR='${instance.dataDir}'`,
      // The folders that guides make.
      `trap 'for made in "$KEPT" "$FILES"; do test -z "$made" || rm -r "$made"; done' EXIT`,
    ];
    return (await run([...before, script].join('\n'))).split(NEXT);
  } finally {
    await instance.stop();
  }
}

import type { FastifyInstance } from 'fastify';

/** Tells a known path with another method (405) from an unknown path (404). */
export type KnownPaths = {
  /** Methods that the path answers to; `undefined` when no route has it. */
  methodsOf: (path: string) => readonly string[] | undefined;
};

/** Collects the paths of all routes that are declared on `app` from now on. */
export function collectKnownPaths(app: FastifyInstance): KnownPaths {
  const known = new Map<string, { pattern: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const entry = known.get(url) ?? { pattern: toPattern(url), methods: new Set<string>() };
    for (const name of [method].flat()) {
      entry.methods.add(name);
    }
    known.set(url, entry);
  });
  return {
    methodsOf(path) {
      const entry = [...known.values()].find(({ pattern }) => pattern.test(path));
      return entry && [...entry.methods].sort();
    },
  };
}

/** Our patterns consist of literal segments, `:name` segments and a last segment `*`, which is the rest. */
function toPattern(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment === '*') return '.+';
    return segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}$`);
}

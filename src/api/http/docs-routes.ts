import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import { renderDocsPage, renderErrorsPage } from './docs-page.ts';
import { DOCS_STYLE } from './docs-style.ts';
import { openApiDocument, renderOpenApi } from './openapi.ts';
import { PAGE_POLICY } from './security-headers.ts';

/** Serves the interface's description and its reference pages: constant texts, made at start. */
export function registerDocs(app: FastifyInstance): void {
  const document = openApiDocument();
  const pages = [
    { url: '/openapi.json', type: 'application/json; charset=utf-8', text: renderOpenApi() },
    { url: '/docs', type: 'text/html; charset=utf-8', text: renderDocsPage(document) },
    { url: '/docs/errors', type: 'text/html; charset=utf-8', text: renderErrorsPage() },
    { url: '/docs/style.css', type: 'text/css; charset=utf-8', text: DOCS_STYLE },
  ];
  app.register((scope, _options, done) => {
    scope.register(helmet, { contentSecurityPolicy: PAGE_POLICY });
    for (const { url, type, text } of pages) {
      scope.get(
        url,
        { config: { auth: 'public', audit: 'none', isPage: true } },
        (_request, reply) => {
          reply.type(type).send(text);
        },
      );
    }
    done();
  });
}

import { ERRORS } from '../../domain/errors.ts';
import { type Html, html, page, withCode } from './html.ts';
import type { DocumentedCall, OpenApiDocument } from './openapi.ts';

/** The reference page, made from the OpenAPI document: readable without a script or a network. */
export function renderDocsPage(document: OpenApiDocument): string {
  const calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, call]) => ({ method: method.toUpperCase(), path, call })),
  );
  const content = html`<h1>${document.info.title} API</h1>
<p>${document.info.description}</p>
<p>Bodies are JSON in UTF-8, the credential is a bearer token in <code>Authorization</code>. Unknown members are
refused. Every answer names its request in <code>X-Request-Id</code>, and answers to a known caller the audit event that
records it in <code>Audit-Event-Id</code>. A call on a vault with <code>Prefer: audit=integrated</code> answers when its event is
under a published checkpoint, and says in <code>Audit-Receipt-Url</code> where the receipt is; when that takes more
than 5 s it answers without. The same description for machines: <a href="/openapi.json">openapi.json</a>
(OpenAPI 3.1).</p>
${calls.map(renderCall)}`;
  return page(`${document.info.title} API`, navigation(calls.map(({ call }) => call)), content);
}

/** The table of errors; the \`type\` of every problem links to its row. */
export function renderErrorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, retryable }]) =>
      html`<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${title}</td><td>${retryable ? 'yes' : 'no'}</td></tr>
`,
  );
  const content = html`<h1>Errors</h1>
<p>Errors are <code>application/problem+json</code> (RFC 9457). Decide by <code>code</code>; it is stable. What you may
not see answers exactly like what does not exist.</p>
<table>
<thead><tr><th>code</th><th>status</th><th>meaning</th><th>retry may help</th></tr></thead>
<tbody>
${rows}</tbody>
</table>`;
  return page(
    'Counterfoil API errors',
    html`<ul><li><a href="/docs">Reference</a></li></ul>`,
    content,
  );
}

function navigation(calls: readonly DocumentedCall[]): Html {
  const links = calls.map(
    ({ operationId }) => html`<li><a href="#${operationId}">${operationId}</a></li>
`,
  );
  return html`<strong>Calls</strong>
<ul>
${links}</ul>
<ul><li><a href="/docs/errors">Errors</a></li><li><a href="/openapi.json">openapi.json</a></li></ul>`;
}

type Call = { method: string; path: string; call: DocumentedCall };

function renderCall({ method, path, call }: Call): Html {
  const [request] = Object.values(call.requestBody?.content ?? {});
  return html`<section id="${call.operationId}">
<h2><a href="#${call.operationId}">${call.summary}</a></h2>
<p class="path"><b>${method}</b> <code>${path}</code></p>
<p>${withCode(call.description)}</p>
<h3>Request</h3>
${renderMembers(request?.schema)}
<pre><code>${curl({ method, path, call })}</code></pre>
<h3>Answer</h3>
${renderAnswer(call)}
<h3>Errors</h3>
${renderProblems(call)}
</section>
`;
}

function renderAnswer({ responses }: DocumentedCall): Html {
  const ok = responses['200'];
  const [reply] = Object.values(ok?.content ?? {}).filter(({ example }) => example !== undefined);
  if (reply === undefined) {
    const types = Object.keys(ok?.content ?? {}).join(', ');
    return html`<p>${ok?.description ?? ''} <span class="quiet">${types}</span></p>`;
  }
  return html`${renderMembers(reply.schema)}
<pre><code>${JSON.stringify(reply.example, undefined, 2)}</code></pre>`;
}

function curl({ path, call }: Call): string {
  const url = call.parameters.reduce(
    (text, { name, example }) => text.replace(`{${name}}`, example),
    path,
  );
  const [type, body] = Object.entries(call.requestBody?.content ?? {})[0] ?? [];
  const lines = [
    `curl -s "$COUNTERFOIL_URL${url}"`,
    ...(call.security === undefined ? ['-H "Authorization: Bearer $COUNTERFOIL_TOKEN"'] : []),
    ...(type === undefined ? [] : [`-H 'Content-Type: ${type}'`]),
    ...(body === undefined ? [] : [`-d '${JSON.stringify(body.example)}'`]),
  ];
  return lines.join(' \\\n  ');
}

function renderProblems({ responses }: DocumentedCall): Html {
  const rows = Object.entries(responses)
    .filter(([status]) => status !== '200')
    .map(
      ([
        status,
        { description },
      ]) => html`<tr><td>${status}</td><td>${withCode(description)}</td></tr>
`,
    );
  return html`<table>
<tbody>
${rows}</tbody>
</table>`;
}

type Member = { name: string; schema: unknown; isRequired: boolean };

function renderMembers(schema: unknown): Html {
  const rows = membersOf(schema).map(
    ({ name, schema: member, isRequired }) =>
      html`<tr><td><code>${name}</code></td><td>${typeOf(member)}${isRequired ? '' : html` <span class="quiet">optional</span>`}</td><td>${withCode(textOf(member, 'description'))}</td></tr>
`,
  );
  return html`<table>
<tbody>
${rows}</tbody>
</table>`;
}

/** Members by their path, those of array items included: \`items[].field\`. */
function membersOf(schema: unknown, prefix = ''): Member[] {
  const required = get(schema, 'required');
  return Object.entries(get(schema, 'properties') ?? {}).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    const isRequired = Array.isArray(required) && required.includes(name);
    const own = { name: path, schema: member, isRequired };
    const items = get(member, 'items');
    const inner =
      items === undefined ? membersOf(member, `${path}.`) : membersOf(items, `${path}[].`);
    return [own, ...inner];
  });
}

function typeOf(schema: unknown): string {
  const choices = get(schema, 'anyOf');
  if (Array.isArray(choices)) {
    return choices.map(typeOf).join(' or ');
  }
  const items = get(schema, 'items');
  if (items === undefined) {
    return textOf(schema, 'type');
  }
  const [min, max] = [get(schema, 'minItems'), get(schema, 'maxItems')];
  const range =
    typeof min === 'number' && typeof max === 'number' ? `${min}–${max} × ` : 'list of ';
  return `${range}${typeOf(items)}`;
}

function textOf(schema: unknown, keyword: string): string {
  const text = get(schema, keyword);
  return typeof text === 'string' ? text : '';
}

function get(schema: unknown, keyword: string): unknown {
  return typeof schema === 'object' && schema !== null ? Reflect.get(schema, keyword) : undefined;
}

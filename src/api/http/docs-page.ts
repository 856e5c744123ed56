import { ERRORS } from '../../domain/errors.ts';
import { type Html, html, page, withCode } from './html.ts';
import type { DocumentedCall, OpenApiDocument } from './openapi.ts';

/** The reference page, made from the OpenAPI document: readable without a script or a network. */
export function renderDocsPage(document: OpenApiDocument): string {
  const calls = Object.entries(document.paths).map(([path, { post }]) => ({ path, call: post }));
  const content = html`<h1>${document.info.title} API</h1>
<p>${document.info.description}</p>
<p>Calls are JSON over <code>POST</code>, in UTF-8, with a bearer token in <code>Authorization</code>. Unknown
members are refused. Every answer names its request in <code>X-Request-Id</code>, and the audit event that
records it in <code>Audit-Event-Id</code>. The same description for machines: <a href="/openapi.json">openapi.json</a>
(OpenAPI 3.1).</p>
${calls.map(({ path, call }) => renderCall(path, call))}`;
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

function renderCall(path: string, call: DocumentedCall): Html {
  const request = call.requestBody.content['application/json'];
  const reply = call.responses['200']?.content['application/json'];
  return html`<section id="${call.operationId}">
<h2><a href="#${call.operationId}">${call.summary}</a></h2>
<p class="path"><b>POST</b> <code>${path}</code></p>
<p>${withCode(call.description)}</p>
<h3>Request</h3>
${renderMembers(request?.schema)}
<pre><code>${curl(path, request?.example)}</code></pre>
<h3>Answer</h3>
${renderMembers(reply?.schema)}
<pre><code>${JSON.stringify(reply?.example, undefined, 2)}</code></pre>
<h3>Errors</h3>
${renderProblems(call)}
</section>
`;
}

function curl(path: string, body: unknown): string {
  const url = path.replace('{vault}', 'demo');
  return [
    `curl -s "$COUNTERFOIL_URL${url}" \\`,
    '  -H "Authorization: Bearer $COUNTERFOIL_TOKEN" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${JSON.stringify(body)}'`,
  ].join('\n');
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

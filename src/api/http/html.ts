const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text that is already HTML. Everything else is escaped when it enters a template. */
export type Html = { readonly html: string };

type Part = string | number | Html | readonly Html[];

/** Template tag: literal parts are HTML, inserted ones are escaped unless they are HTML themselves. */
export function html(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const inserted = parts.map(toText);
  return { html: literals.map((literal, index) => literal + (inserted[index] ?? '')).join('') };
}

function toText(part: Part): string {
  if (typeof part === 'string' || typeof part === 'number') {
    return String(part).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
  }
  return 'html' in part ? part.html : part.map((inner) => inner.html).join('');
}

/** Backticks in our own descriptions become code. */
export function withCode(text: string): Html {
  const pieces = text.split('`');
  return html`${pieces.map((piece, index) => (index % 2 === 1 ? html`<code>${piece}</code>` : html`${piece}`))}`;
}

/** One whole page. */
export function page(title: string, navigation: Html, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<nav aria-label="Contents">
${navigation}
</nav>
<main>
${content}
</main>
</body>
</html>
`.html;
}

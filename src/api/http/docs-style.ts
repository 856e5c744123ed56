/** The reference pages' one style sheet. System fonts, light and dark, nothing to download. */
export const DOCS_STYLE = `:root {
  color-scheme: light dark;
  --text: light-dark(#1c1f24, #e4e7ec);
  --quiet: light-dark(#5b6470, #9aa4b2);
  --line: light-dark(#dfe3e8, #2c333d);
  --paper: light-dark(#ffffff, #14171c);
  --code: light-dark(#f4f6f8, #1d222a);
  --accent: light-dark(#0b5cad, #7ab8ff);
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0 auto;
  max-width: 78rem;
  padding: 0 1.5rem 6rem;
  display: grid;
  grid-template-columns: 15rem minmax(0, 1fr);
  gap: 0 3rem;
  font: 16px/1.55 system-ui, sans-serif;
  color: var(--text);
  background: var(--paper);
}
nav { position: sticky; top: 0; align-self: start; padding-top: 2rem; font-size: 0.9rem; }
nav ul { list-style: none; margin: 0.25rem 0 1.25rem; padding: 0; }
nav li { padding: 0.15rem 0; }
a { color: var(--accent); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
main { padding-top: 2rem; min-width: 0; }
h1 { font-size: 1.9rem; margin: 0 0 0.5rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 0.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
h3 { font-size: 0.95rem; margin: 1.5rem 0 0.4rem; color: var(--quiet); font-weight: 600; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
code { background: var(--code); padding: 0.1em 0.3em; border-radius: 3px; }
pre { background: var(--code); padding: 0.9rem 1.1rem; border-radius: 6px; overflow-x: auto; }
pre code { background: none; padding: 0; }
.path { color: var(--quiet); overflow-wrap: anywhere; }
.path b { color: var(--accent); }
table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
th { text-align: left; font-weight: 600; color: var(--quiet); }
th, td { padding: 0.4rem 0.9rem 0.4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:target { background: var(--code); }
.quiet { color: var(--quiet); }
@media (max-width: 50rem) {
  body { display: block; }
  nav { position: static; }
}
`;

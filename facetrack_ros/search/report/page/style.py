"""The style sheet of the page: light and dark, narrow screens, and print."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ground: #f4f6f9; --ink: #1f2a37; --soft: #55616f; --line: #d5dce4; --link: #0b5cad;
  --good: #0f6b57; --good-ground: #e4f4ee; --warn: #8f2c22; --warn-ground: #fbeeec; --note: #6b4a00;
  --note-ground: #fdf3dc;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #1b222c; --ground: #11161d; --ink: #e6ebf1; --soft: #a3afbd; --line: #364250; --link: #7db8f5;
    --good: #7fd8b8; --good-ground: #16332b; --warn: #f3a79d; --warn-ground: #3d201d; --note: #f0cd83;
    --note-ground: #39301a;
  }
  .timeline img, .reference img, .card img { filter: brightness(.9); }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
body > header, main, body > footer { max-width: 72rem; margin: 0 auto; padding: 1.25rem; }
main { padding-top: 0; }
main > section:first-child h2 { margin-top: .5rem; }
h1 { margin: 0 0 .35rem; font-size: 1.75rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.25rem 0 .75rem; font-size: 1.25rem; line-height: 1.3; }
h3 { margin: 0; font-size: 1.05rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: .4rem 0; }
a { color: var(--link); }
img, video { max-width: 100%; height: auto; }
figure { margin: 0; }
figcaption, .soft { color: var(--soft); font-size: .875rem; font-weight: 400; }
code { font: .875em/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
ul { margin: .4rem 0; padding-left: 1.25rem; }
li { overflow-wrap: anywhere; }
.head { display: flex; flex-wrap: wrap; gap: 1.25rem; align-items: flex-start; }
.head > div { flex: 1 1 13rem; min-width: 0; }
.reference { width: 9rem; }
.reference img { display: block; width: 100%; border: 1px solid var(--line); border-radius: .5rem; }
.verdict { font-size: 1.125rem; }
.notice { margin: 1rem 0 0; padding: .6rem .9rem; border-left: .3rem solid; border-radius: .25rem; }
.notice p:first-child { margin-top: 0; }
.notice p:last-child, .notice ul:last-child { margin-bottom: 0; }
.good { color: var(--good); background: var(--good-ground); border-color: var(--good); }
.warn { color: var(--warn); background: var(--warn-ground); border-color: var(--warn); }
.note { color: var(--note); background: var(--note-ground); border-color: var(--note); }
.wide { overflow-x: auto; }
.timeline { background: #ffffff; border: 1px solid var(--line); border-radius: .5rem; }
.timeline img { display: block; width: 100%; min-width: 52rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 34rem)); gap: 1rem;
  align-items: start;
  margin: 0; padding: 0; list-style: none; }
.card { padding: 1rem; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem; }
.card figure { margin-top: .75rem; }
.card figure img, .card figure video { display: block; width: 100%; border-radius: .35rem; background: #000000; }
.top { display: flex; gap: .9rem; align-items: flex-start; }
.top > div { min-width: 0; }
.face { flex: none; width: 6rem; height: 6rem; object-fit: cover; border-radius: .5rem; border: 1px solid var(--line); }
.none { display: flex; align-items: center; justify-content: center; color: var(--soft); background: var(--ground);
  font-size: .8rem; text-align: center; }
.person { margin: .1rem 0; font-weight: 600; overflow-wrap: anywhere; }
.tags { display: flex; flex-wrap: wrap; gap: .3rem; margin: .35rem 0 0; padding: 0; list-style: none; }
.tags li { padding: .05rem .55rem; border: 1px solid; border-radius: 1rem; font-size: .8rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; margin: .75rem 0 0; }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; background: var(--paper); font-size: .925rem; }
caption { padding: 0 0 .4rem; color: var(--soft); font-size: .875rem; text-align: left; }
th, td { padding: .4rem .65rem; border: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { background: var(--ground); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
time { font-variant-numeric: tabular-nums; }
td.time { white-space: nowrap; }
body > footer { border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
@media (max-width: 30rem) {
  body > header, main, body > footer { padding: .9rem; }
  main { padding-top: 0; }
  h1 { font-size: 1.4rem; }
  .reference { width: 6.5rem; }
  .card { padding: .8rem; }
  th, td { padding: .3rem .45rem; font-size: .875rem; }
  .card dl { grid-template-columns: 1fr; gap: 0; }
  .card dd { margin-bottom: .35rem; }
}
@media print {
  :root { color-scheme: light; --paper: #ffffff; --ground: #ffffff; --ink: #000000; --soft: #404040; --line: #a0a0a0;
    --link: #000000; --good: #000000; --good-ground: #ffffff; --warn: #000000; --warn-ground: #ffffff;
    --note: #000000; --note-ground: #ffffff; }
  @page { margin: 14mm; }
  html { font-size: 12px; }
  body > header, main, body > footer { max-width: none; padding: 0 1px; }
  h2 { margin-top: 1.25rem; break-after: avoid; }
  .timeline img { min-width: 0; }
  .cards { grid-template-columns: 1fr 1fr; }
  .card, tr, .notice, .timeline { break-inside: avoid; }
  .wide { overflow: visible; }
  video { display: none !important; }
  .timeline img, .reference img, .card img { filter: none; }
}
"""

// The stylesheet of the HTML report: light, dark, narrow and printed.

const dark = `--bg:#14171b;--fg:#e6e9ed;--dim:#9aa4af;--line:#343b43;--soft:#1d2228;--pass:#56c271;--fail:#ff7b72;--open:#e3b341;--accent:#8ab4f8;--gone:#5c1f1f;--new:#17452a;color-scheme:dark`

/** The whole stylesheet. It must hold neither `<` nor `&`, so that the page is well-formed XML as well. */
export const STYLE = `:root{color-scheme:light;--bg:#fff;--fg:#1b1f24;--dim:#57606a;--line:#d5dae0;--soft:#f4f6f8;--pass:#1a7f37;--fail:#c5221f;--open:#8a6100;--accent:#0b57d0;--gone:#ffd9d6;--new:#c9f0d3}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${dark}}}
:root[data-theme=dark]{${dark}}
@media print{:root,:root:not([data-theme=light]){color-scheme:light;--bg:#fff;--fg:#000;--dim:#444;--line:#bbb;--soft:#f4f4f4;--pass:#1a7f37;--fail:#c5221f;--open:#8a6100;--accent:#0b57d0;--gone:#ffd9d6;--new:#c9f0d3}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:68rem;padding:1.5rem 1.25rem 4rem;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
header{align-items:center;display:flex;flex-wrap:wrap;gap:.75rem;justify-content:space-between}
h1,h2,h3{line-height:1.25;margin:0}h1{font-size:1.5rem}h2{font-size:1.3rem}h3{font-size:1rem;margin:1.75rem 0 .5rem}
section{border-top:1px solid var(--line);margin-top:1.5rem;padding-top:1.25rem}
p{margin:.5rem 0}ul{margin:.5rem 0;padding-left:1.25rem}a{color:var(--accent)}
.dim,small,caption{color:var(--dim);font-size:.85rem}
.badge{display:inline-block;border:1px solid;border-radius:.35rem;font-weight:600;font-size:.85rem;padding:.1rem .5rem;vertical-align:middle}
.pass{color:var(--pass)}.fail{color:var(--fail)}.inconclusive,.invalid{color:var(--open)}
.answer{font-size:1.05rem;font-weight:600}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.25rem 0}
th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:right;white-space:nowrap}
th{color:var(--dim);font-weight:500}th:first-child,td:first-child,.text th:last-child,.text td:last-child{text-align:left}.text td:first-child{min-width:9rem;overflow-wrap:anywhere;white-space:normal}
.shown{color:var(--dim)}
code,pre{font:13px/1.45 ui-monospace,monospace}code{overflow-wrap:anywhere}
pre{background:var(--soft);border-radius:.35rem;margin:.1rem 0 .5rem;overflow-wrap:anywhere;padding:.5rem .65rem;white-space:pre-wrap}
del{background:var(--gone)}ins{background:var(--new)}
details{margin:.4rem 0}summary{cursor:pointer}
.warning{border-left:3px solid var(--open);padding-left:.75rem}
.plots{display:grid;gap:1rem 2rem;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr))}.plots h3{margin-top:1rem}
svg{display:block;max-width:100%;height:auto}.wide svg{min-width:44rem}
svg text{fill:var(--fg);font:13px system-ui,sans-serif}svg .dim{fill:var(--dim);font-size:12px}
.axis{stroke:var(--line)}.zero{stroke:var(--fg);stroke-width:1}.margin{stroke:var(--open);stroke-width:1.5;stroke-dasharray:3 3}
.bar{stroke-width:2}.bar.pass,.dot.pass{stroke:var(--pass);fill:var(--pass)}.bar.fail,.dot.fail{stroke:var(--fail);fill:var(--fail)}
.bar.inconclusive,.dot.inconclusive,.bar.invalid,.dot.invalid{stroke:var(--open);fill:var(--open)}.faint{opacity:.55}
.now{fill:var(--accent);fill-opacity:.45}.was{fill:none;stroke:var(--fg);stroke-dasharray:4 2}.line{fill:none;stroke:var(--accent);stroke-width:2}
.bubble{fill-opacity:.5;stroke:var(--fg);stroke-width:.75;fill:var(--dim)}.bubble.pass{fill:var(--pass)}.bubble.fail{fill:var(--fail)}.point{fill:var(--accent)}.open{fill:var(--bg);stroke:var(--accent);stroke-width:2}
.flips{width:auto}.flips td,.flips thead th+th{text-align:right}.flips th{text-align:left}
.controls{display:none;flex-wrap:wrap;gap:.5rem 1rem;align-items:end;margin:.5rem 0}.js .controls{display:flex}.theme{display:none}.js .theme{display:block}
label{color:var(--dim);font-size:.85rem}label input,label select{display:block;height:2.2rem}.controls button{height:2.2rem}.theme select{display:inline-block;height:auto}
input,select,button{background:var(--bg);border:1px solid var(--dim);border-radius:.35rem;color:var(--fg);font:inherit;font-size:.95rem;max-width:100%;padding:.25rem .5rem}
button{cursor:pointer}th button{background:none;border:0;color:inherit;font-weight:inherit;padding:0;text-align:inherit}
thead button::after{content:" \\2195"}th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.cases th:nth-child(2),.cases th:nth-child(3),.cases td:nth-child(3){text-align:left;white-space:normal;overflow-wrap:anywhere}
.cases tbody th{color:var(--fg);font:13px/1.45 ui-monospace,monospace;min-width:7rem}
.cases tbody button{color:var(--accent);text-decoration:underline;font:inherit}.cases tbody button::before{content:"\\25b8 "}.cases .open button::before{content:"\\25be "}
.cases th small{display:inline-block;margin-left:.5rem}.cases tr+tr td{background:var(--soft);text-align:left;white-space:normal}.cases tr+tr pre{background:var(--bg)}
.js .cases tbody:not(.open) tr+tr{display:none}
.sides{display:grid;gap:0 1rem;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr))}
@media screen and (max-width:46rem){body{padding:1rem .75rem 3rem}.cases th:nth-child(n+6),.cases td:nth-child(n+6),.cases thead th:nth-child(3),.cases tr:first-child td:nth-child(3){display:none}th,td{padding:.3rem .4rem}.cases tbody th{min-width:6.5rem}}
@media print{:root{font-size:12px}body{max-width:none;padding:0;font-size:11px}code,pre,.cases tbody th{font-size:10px}.js .controls,.js .theme{display:none}section{break-before:auto}h2,h3{break-after:avoid}tr,svg,.plots>div{break-inside:avoid}.wide{overflow:visible}.wide svg{min-width:0}th,td{padding:.15rem .3rem;white-space:normal}.js .cases tbody:not(.open) tr+tr{display:table-row}.cases tr+tr{break-inside:auto;break-before:avoid}.cases tbody button,thead button{color:inherit;text-decoration:none}.cases tbody button::before,.cases .open button::before,th button::after,th[aria-sort] button::after{content:""}details::details-content{content-visibility:visible;block-size:auto}*{print-color-adjust:exact}}
`
